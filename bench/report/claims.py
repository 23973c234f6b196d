"""`claims.md`: nine claims about Phang et al. (2020), each checked on the rows at hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bench.catalog.claims import CLAIMS, Claim
from bench.report.cells import cell, signed_points
from bench.report.claim_checks import VERDICTS, Finding, cannot, check
from bench.report.claim_settings import Setting, settings
from bench.report.evidence import evidence
from bench.report.tables import MISSING, escaped, markdown_table
from bench.rows import Row

TITLE = "Claims about Phang et al. (2020), checked"
_READING = (
    "Figures and confidences (of those who made the claims that they hold, from 0 to 1) are those that the claims were "
    "stated with, of version 2 of the paper, which has nine intermediate tasks; they are what is checked, not what is "
    "known. Stated beside them were MNLI +7.5 and HellaSwag +7.0 on average, of which no claim is made. "
    "A gain is in points of the score that XTREME averages (questions: mean of exact match and F1), language mean "
    "minus that of the same encoder without an intermediate task, as Phang et al. report it, so SQuAD before XQuAD "
    "counts; where intermediate tasks are averaged or counted, those that hold the target's own data are left out. "
    "No average is taken where a member is missing. Intervals are of 95 %, over items and seeds; items count as if "
    "not shared between the arms, which is too wide and never too narrow. One seed gives no verdict."
)
_VERDICTS = (
    "**supported** and **contradicted** are for `xlmr_large` on whole real data: the interval holds the figure and not "
    "zero, or does not hold the figure. Elsewhere a figure means nothing and a claim is held to its direction: "
    "**analogue agrees** or **disagrees**. The last three claims are checks of configuration, on the recipes that ran."
)


def claims_page(rows: Iterable[Row]) -> str:
    """Return the page as Markdown: the verdicts of all settings at a glance, then their numbers.

    Settings of which the same is to be said share a table: often that none of it can be judged.
    """
    rows = list(rows)
    found = {setting: tuple(check(claim, setting) for claim in CLAIMS) for setting in settings(rows)}
    blocks = [f"# {TITLE}", escaped(evidence(rows)), _READING, _VERDICTS]
    if not found:
        return _page([*blocks, _table([cannot("rows")] * len(CLAIMS))])
    blocks += ["## At a glance", "The numbers are those of the claims; a dash is *cannot be judged*.", _glance(found)]
    alike: dict[tuple[Finding, ...], list[Setting]] = defaultdict(list)
    for setting, findings in found.items():
        alike[findings].append(setting)
    for findings, members in alike.items():
        blocks += [f"## {_heading(members)}", *_members(members), *_flags(members), _table(findings)]
    return _page(blocks)


def _page(blocks: Sequence[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _glance(found: Mapping[Setting, Sequence[Finding]]) -> str:
    headers = ["setting", *(str(number) for number, _ in enumerate(CLAIMS, start=1))]
    rows = [[setting.title, *(_short(finding) for finding in findings)] for setting, findings in found.items()]
    return markdown_table(headers, rows, left=len(headers))


def _short(finding: Finding) -> str:
    return finding.verdict if finding.verdict in VERDICTS else MISSING


def _heading(members: Sequence[Setting]) -> str:
    return escaped(members[0].title) if len(members) == 1 else f"{len(members)} settings alike"


def _members(members: Sequence[Setting]) -> list[str]:
    return ["\n".join(f"- {escaped(setting.title)}" for setting in members)] if len(members) > 1 else []


def _flags(members: Sequence[Setting]) -> list[str]:
    flags = sorted({flag for setting in members for flag in setting.flags})
    return [f"Flags of at least one row: {escaped(', '.join(flags))}."] if flags else []


def _table(findings: Sequence[Finding]) -> str:
    headers = ["#", "claim", "verdict", "how", "figure", "its confidence", "ours", "95 % interval"]
    rows = [
        _cells(number, claim, finding)
        for number, (claim, finding) in enumerate(zip(CLAIMS, findings, strict=True), start=1)
    ]
    return markdown_table(headers, rows, left=4)


def _cells(number: int, claim: Claim, finding: Finding) -> list[str]:
    ours = finding.ours
    return [
        str(number),
        claim.text,
        finding.verdict,
        finding.note or MISSING,
        MISSING if claim.figure is None else f"{claim.figure:+.1f}",
        f"{claim.confidence:.2f}",
        cell(None if ours is None else ours.value, signed_points),
        MISSING if ours is None else f"{signed_points(ours.low)} to {signed_points(ours.high)}",
    ]
