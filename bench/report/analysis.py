"""What the answer, the page of contrasts and the figure of the tests are made of, found once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.catalog.language_info import LanguageInfo
from bench.report.coverage import mark_earlier
from bench.report.evidence import usable_rows
from bench.report.ledger import Ledger
from bench.report.panels import Replicates, no_replicates
from bench.report.sections import Section, sections
from bench.report.settings import Setting, settings
from bench.report.size_tests import Family, families
from bench.rows import Row


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Rows, those of an earlier run marked; of those that are evidence the sections, settings and families of tests."""

    rows: tuple[Row, ...]
    sections: tuple[Section, ...]
    settings: tuple[Setting, ...]
    families: tuple[Family, ...]


def analyse(
    rows: Iterable[Row], ledger: Ledger, languages: Mapping[str, LanguageInfo], replicates: Replicates | None = None
) -> Analysis:
    """Return the analysis of `rows`; `languages` maps the tokens of conditions to their facts.

    `replicates` gives joint intervals (bench.report.joint_draws); without, their item part is a bound off the rows.
    """
    marked = tuple(mark_earlier(rows, ledger))
    usable = tuple(sections(usable_rows(marked), ledger, languages))
    found = tuple(settings(usable, replicates or no_replicates))
    return Analysis(marked, usable, found, tuple(families(found)))
