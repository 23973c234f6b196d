"""Which rows may share a table: one study, world, target and split; in it one line for each way of training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from bench.catalog import tasks
from bench.catalog.language_info import GROUPS, LanguageInfo
from bench.catalog.models import MODELS
from bench.condition import Condition
from bench.data.example import SENTENCE_PAIR
from bench.report.flags import TARGET_LABELS
from bench.report.ledger import Ledger
from bench.rows import Row

REAL = "real"
# The plain encoder, its control, and the union of the others: each is shown, none is a genuine single intermediate.
_NOT_GENUINE = frozenset({"none", "more", "multi"})
# Trained on the target's own data, or on other data than the task's name says.
_OTHER_DATA = frozenset({"contaminated", "substitute_train"})


@dataclass(frozen=True, eq=False)
class Line:
    """The rows of one model, intermediate and variant: all languages, seeds and recalibrations."""

    model: str
    intermediate: str
    variant: str
    rows: tuple[Row, ...]

    @property
    def training(self) -> str:
        """The intermediate task and, where there is one, the variant."""
        return f"{self.intermediate} {self.variant}".rstrip()

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that have a row in any language."""
        return tuple(sorted({row.condition.seed for row in self.rows}))

    @cached_property
    def flags(self) -> frozenset[str]:
        """The flags of all rows but those of a recalibration, and `single_seed` where there is but one seed."""
        own = {flag for row in self.rows for flag in row.flags} - {TARGET_LABELS}
        return frozenset(own | ({"single_seed"} if len(self.seeds) == 1 else set()))

    @property
    def genuine(self) -> bool:
        """Whether this is an intermediate task proper, free of the target's own data, and trained plainly."""
        return not self.variant and self.intermediate not in _NOT_GENUINE and not _OTHER_DATA & self.flags

    def row(self, seed: int, language: str, recalibration: str = "none") -> Row | None:
        """The row of that cell, None where there is none."""
        return self._cells.get((seed, language, recalibration))

    @cached_property
    def _cells(self) -> dict[tuple[int, str, str], Row]:
        return {(row.condition.seed, row.condition.language, row.recalibration): row for row in self.rows}


@dataclass(frozen=True)
class Section:
    """Rows that may be compared, with the languages of their world in the order of reports.

    `selected` are the languages that were asked for: those of the ledger for these models, and those that have rows.
    """

    study: str
    protocol: str
    world: str
    target: str
    split: str
    lines: tuple[Line, ...]
    languages: tuple[LanguageInfo, ...]
    selected: frozenset[str]

    @property
    def title(self) -> str:
        """The heading: everything that is held fixed in this section."""
        world = "real data" if self.world == REAL else f"artificial world {self.world}"
        split = "" if self.split == "test" else f", split {self.split}"
        return f"{self.target}, {world}, protocol {self.protocol}{split}, study {self.study[:12]}"

    @property
    def after(self) -> str:
        """The temperature scaling that tables show beside the confidence as it is."""
        return "ts_en" if tasks.target(self.target).trains else "ts_pivot"

    @cached_property
    def score(self) -> str:
        """The name of the task's first score where the accuracy of what is calibrated is another number, else ""."""
        names = {row.baseline[0] for line in self.lines for row in line.rows if row.baseline is not None}
        return "" if tasks.target(self.target).kind == SENTENCE_PAIR else next(iter(sorted(names)), "")

    @property
    def slug(self) -> str:
        """The section's name in file names, in no other section's; a study has one protocol."""
        split = [] if self.split == "test" else [self.split]
        return "-".join([self.target, *split, self.world, self.study[:12]])

    @property
    def models(self) -> tuple[str, ...]:
        """The models in the catalog's order, in which the sizes of a family ascend; models of the user's own last."""
        order = {spec.token: place for place, spec in enumerate(MODELS)}
        return tuple(
            sorted({line.model for line in self.lines}, key=lambda token: (order.get(token, len(order)), token))
        )

    @cached_property
    def intermediates(self) -> tuple[str, ...]:
        """The intermediate tasks of the lines, in their order."""
        return tuple(dict.fromkeys(line.intermediate for line in self.lines))

    @property
    def source(self) -> str | None:
        """The language that is trained on, where the target has one."""
        if not tasks.target(self.target).trains:
            return None
        return next((info.token for info in self.languages if info.group == "source"), None)

    def group(self, *names: str) -> tuple[str, ...]:
        """The tokens of the languages of these groups."""
        return tuple(info.token for info in self.languages if info.group in names)

    def plentiful(self, name: str) -> tuple[str, ...]:
        """The languages of a group that had as much pretraining data as others: richness is not to mean scarcity."""
        return tuple(info.token for info in self.languages if info.group == name and not info.scarce)


def sections(rows: Iterable[Row], ledger: Ledger, languages: Mapping[str, LanguageInfo]) -> list[Section]:
    """Return the sections of `rows`: real data first, then by target, world, protocol and study.

    `languages` maps tokens to their facts; a language it does not hold is shown last and is in no average.
    """
    groups: dict[tuple[str, str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[(row.study, row.protocol, row.world, row.condition.target, row.split)].append(row)
    order = sorted(groups, key=lambda key: (key[2] != REAL, key[3], key[2], key[1], key[0], key[4]))
    return [_section(key, groups[key], ledger, languages) for key in order]


def _section(
    key: tuple[str, str, str, str, str], rows: list[Row], ledger: Ledger, languages: Mapping[str, LanguageInfo]
) -> Section:
    study, protocol, world, target, split = key
    conditions = [row.condition for row in rows]
    models = {condition.model for condition in conditions}
    asked = [Condition.from_id(entry.id) for entry in ledger.entries if entry.study == study]
    conditions += [one for one in asked if one.model in models and one.target == target]
    infos = _languages(world, target, languages)
    present = {row.condition.language for row in rows}
    unknown = [LanguageInfo(token, token, "control", world) for token in sorted(present - {i.token for i in infos})]
    shown = frozenset(info.token for info in (*infos, *unknown))
    selected = frozenset(condition.language for condition in conditions) & shown
    return Section(study, protocol, world, target, split, _lines(rows), (*infos, *unknown), selected)


def _languages(world: str, target: str, languages: Mapping[str, LanguageInfo]) -> tuple[LanguageInfo, ...]:
    found = [info for info in languages.values() if info.world == world]
    if world == REAL:
        found = [info for info in found if info.token in tasks.target(target).languages]
    return tuple(sorted(found, key=lambda info: (GROUPS.index(info.group), info.token)))


def _lines(rows: Iterable[Row]) -> tuple[Line, ...]:
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[(row.condition.model, row.condition.intermediate, row.condition.variant)].append(row)
    return tuple(Line(*key, tuple(groups[key])) for key in sorted(groups, key=_line_order))


def _line_order(key: tuple[str, str, str]) -> tuple[str, bool, bool, str, str]:
    model, intermediate, variant = key
    return model, intermediate != "none", intermediate != "more", intermediate, variant
