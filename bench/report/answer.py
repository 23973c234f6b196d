"""The answer: which evidence there is, what it says of the question in one paragraph, and the tables behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.analysis import Analysis
from bench.report.answer_paragraph import paragraph
from bench.report.answer_tables import BOUND, exploratory_table, levels_tables, tests_table
from bench.report.cells import parameters
from bench.report.equal_accuracy import Curves, curves
from bench.report.evidence import evidence, usable_rows
from bench.report.exploratory import MATCHED, Exploratory, exploratory
from bench.report.exploratory_tables import climb_parts, factor_parts, setting_parts
from bench.report.figure_answer import figure_name, has_answer
from bench.report.leaderboard import members_sentence
from bench.report.matched_sizes import Climb, climbs
from bench.report.sections import REAL
from bench.report.settings import TARGET, Setting, tasks_sentence
from bench.report.size_tests import Family, Rung, left_out
from bench.report.tables import escaped
from bench.rows import Row

QUESTION = (
    "What does the size of a pretrained multilingual encoder do to the loss of calibration that comes with zero-shot "
    "cross-lingual transfer, after English intermediate-task training, in morphologically rich languages, on XNLI?"
)
# Of docs/analysis-plan.md, which is not installed; a test holds this to the file.
PLAN = "86c34b531c625a07376fc3d9b50bad21e6efcc8cf3419fc426cba045d0c57cd5"
_RUNGS: Mapping[Rung, str] = {
    "size": "real, independently pretrained sizes",
    "depth": "real, truncated (depth of one encoder, never model size)",
    "artificial": "artificial worlds (an analogue)",
}
_READING = (
    "Numbers are percent points of the signed gap (mean confidence minus accuracy; plus is over-confident); transfer "
    "is the gap in a language minus the gap in the source, same checkpoint. A change is that of the least-squares line "
    "over log non-embedding parameters from the smallest to the largest size, so that 1 point, the smallest effect of "
    "interest, applies to it. The claim that a verdict judges is that the quantity rises with size. In the real world "
    "two errors have to agree: over items and seeds, conditional on these checkpoints, and that of the sizes about "
    "the line (n - 2 degrees of freedom), with the checkpoint as unit; the larger p counts. In artificial worlds the "
    "world is the unit. p-values are Holm's over the three tests; equivalence is two one-sided tests. The further "
    "tables have each quantity at every size and between neighbouring sizes, 95 % over items and seeds, conditional on "
    "these checkpoints (`items` where there is one seed)."
)
_EXPLORATORY = (
    "Nothing below was announced as a test{but}; p-values are Benjamini-Hochberg's within each table and support no "
    "verdict. Changes are over the same sizes: percent points, squared ones for L2, nats for NLL, log odds as they "
    "are. The change of the gap is that of confidence less that of accuracy: an identity, no explanation. All sizes of "
    "a ladder are trained at the one learning rate of its protocol."
)
_ANNOUNCED = ", except the sensitivity analyses (Hindi, Swahili, matched data, an index of morphology)"
_MATCHED = (
    "Fine-tuning was read on its way (`--trajectory 5`): *gap at equal accuracy* is the change of the gap in rich "
    "languages from each size to the next, the better one taken back to where both were equally accurate, summed over "
    "all sizes."
)
_TUNED = (
    "*With the rate tuned* is the same test on trainings of which half, the same and twice that rate were tried on the "
    "target task, the best on the source's development data kept (`--variants plain,tuned`): the change over sizes "
    "under that rule, not what tuning changes."
)


def answer(analysis: Analysis, curve: Curves | None = None) -> str:
    """Return the whole answer as Markdown.

    `curve` gives intervals at equal accuracy (bench.report.equal_accuracy); without, there are values alone.
    """
    curve = curve or curves(None)
    marked, found, made = analysis.rows, analysis.settings, analysis.families
    climbed = {family: climbs(family, curve) for family in made}
    tests = {family: exploratory(family, climbed[family]) for family in made}
    parts = [
        "# The answer",
        f"*{QUESTION}*",
        "## Evidence",
        _ladder(made, marked),
        paragraph(evidence(row for row in marked if row.condition.target == TARGET), made, tests),
    ]
    parts += _stale(marked)
    if made:
        bound = [BOUND] if any(family.bounded for family in made) else []
        parts += [
            "## Confirmatory tests",
            f"As announced in docs/analysis-plan.md, sha256 {PLAN}; docs/analysis-choices.md has later choices.",
            " ".join([_READING, *bound]),
            *map(_family, made),
        ]
    explored = [part for family in made for part in _explored(family, tests[family], climbed[family])]
    explored += [part for setting in found for part in _all_models(setting)]
    if explored:
        parts += ["## Exploratory", _reading(made, tests), *explored]
    return "\n\n".join(parts) + "\n"


def _reading(made: Sequence[Family], tests: Mapping[Family, Sequence[Exploratory]]) -> str:
    """Return what is said of the tables that follow, and of no other."""
    found = [one for each in tests.values() for one in each]
    said = [_EXPLORATORY.format(but=_ANNOUNCED if any(family.real for family in made) else "")]
    said += [_MATCHED] if any(one.metric == MATCHED for one in found) else []
    said += [_TUNED] if any("with the rate tuned" in one.title for one in found) else []
    return " ".join(said)


def _ladder(made: Sequence[Family], rows: Sequence[Row]) -> str:
    on_a_ladder = {token for family in made for token in family.models}
    alone = [row for row in usable_rows(rows) if row.condition.model not in on_a_ladder]
    real = sorted({row.condition.model for row in alone if row.world == REAL})
    artificial = sorted({row.condition.model for row in alone if row.world != REAL})
    lines = [f"- {title}: {_rung(made, rung, artificial)}" for rung, title in _RUNGS.items()]
    return "\n".join([*lines, *([f"- real, at one size, so on no rung: {escaped(', '.join(real))}."] if real else [])])


def _stale(rows: Sequence[Row]) -> list[str]:
    number = sum("earlier_run" in row.flags for row in rows)
    return [f"{number} rows are of cases that the last run did not get to: from an earlier run."] if number else []


def _rung(made: Sequence[Family], rung: Rung, artificial: Sequence[str]) -> str:
    described = [_described(family) for family in made if family.rung == rung]
    if rung == "artificial" and artificial:
        described.append(f"at one size, so no test ({', '.join(artificial)})")
    return escaped("; ".join(described) + ".") if described else "no data."


def _described(family: Family) -> str:
    worlds = "" if family.real else f" in {', '.join(world.section.world for world in family.worlds)}"
    verdicts = ", ".join(f"{one.test} {one.judged.verdict}" for one in family.outcomes)
    sizes = ", ".join(f"{spec.token} {parameters(spec.body_parameters)}" for spec in family.ladder.models)
    return f"{family.name}{worlds} ({sizes} parameters outside the embeddings): {verdicts}"


def _family(family: Family) -> str:
    said = [tasks_sentence(family.worlds)]
    chance = left_out(family)
    said += [f"At chance, so no part of the tests: {escaped('; '.join(chance))}."] if chance else []
    shown = [f"![The three tests]({figure_name(family)}.svg)"] if has_answer(family) else []
    parts = [f"### {escaped(family.title)}", " ".join(said), *shown, tests_table(family), *levels_tables(family)]
    return "\n\n".join(parts)


def _explored(family: Family, found: Sequence[Exploratory], climbed: Sequence[Climb]) -> list[str]:
    parts = [*([exploratory_table(found)] if found else []), *climb_parts(family, climbed), *factor_parts(family)]
    return [f"### {escaped(family.title)}", *parts] if parts else []


def _all_models(setting: Setting) -> list[str]:
    parts = setting_parts(setting)
    members = members_sentence(setting.worlds[0].section)
    return [f"### All models, {escaped(setting.title)}", members, *parts] if parts else []
