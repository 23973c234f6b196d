"""What may be analysed together: real data, or the artificial worlds of one study, each with its panel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.report.panels import Replicates, no_replicates, panel_of
from bench.report.sections import REAL, Section
from bench.statistics.confirmatory import Groups
from bench.statistics.panel import Panel

TARGET = "xnli"


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A section with its panel, and the languages and tasks that contrasts average over in it."""

    section: Section
    panel: Panel
    groups: Groups

    @property
    def arms(self) -> dict[str, tuple[str, ...]]:
        """What is trained before the target: nothing, and where there are any the genuine tasks, averaged over."""
        genuine = {"genuine": self.groups.intermediates} if self.groups.intermediates else {}
        return {"none": ("none",), **genuine}

    @property
    def targets(self) -> tuple[str, ...]:
        """The languages that are rich, poor or between, scarce ones too."""
        return self.section.group("rich", "between", "poor")

    @property
    def selected(self) -> tuple[str, ...]:
        """Those of `targets` that were asked for."""
        return tuple(token for token in self.targets if token in self.section.selected)


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """The real world alone, or all artificial worlds of one study."""

    worlds: tuple[World, ...]

    @property
    def real(self) -> bool:
        """Whether the data are real."""
        return self.worlds[0].section.world == REAL

    @property
    def models(self) -> tuple[str, ...]:
        """The models of any world, in the catalog's order."""
        return tuple(dict.fromkeys(model for world in self.worlds for model in world.section.models))

    @property
    def title(self) -> str:
        """Everything that is held fixed."""
        section = self.worlds[0].section
        names = ", ".join(world.section.world for world in self.worlds)
        where = "real data" if self.real else f"artificial worlds {names}"
        return f"{where}, protocol {section.protocol}, study {section.study[:12]}"

    def of_models(self, models: Sequence[str]) -> tuple[World, ...]:
        """Return the worlds, averages being over the genuine tasks that all of `models` have which have any."""
        by_model = [
            {line.intermediate for line in world.section.lines if line.model == token and line.genuine}
            for world in self.worlds
            for token in models
        ]
        present = [tasks for tasks in by_model if tasks]
        common = tuple(sorted(set.intersection(*present))) if present else ()
        return tuple(replace(world, groups=replace(world.groups, intermediates=common)) for world in self.worlds)


def settings(found: Iterable[Section], replicates: Replicates = no_replicates) -> list[Setting]:
    """Return the settings of the sections on XNLI, real data first."""
    groups: dict[tuple[bool, str, str, str], list[Section]] = defaultdict(list)
    for section in found:
        if section.target == TARGET:
            groups[section.world != REAL, section.protocol, section.study, section.split].append(section)
    return [_setting(groups[key], replicates) for key in sorted(groups)]


def _setting(found: list[Section], replicates: Replicates) -> Setting:
    ordered = sorted(found, key=lambda section: (len(section.world), section.world))
    plain = Setting(tuple(World(each, panel_of(each, replicates=replicates), _groups(each)) for each in ordered))
    return Setting(plain.of_models(plain.models))


def _groups(section: Section) -> Groups:
    return Groups(section.plentiful("rich"), section.plentiful("poor"), ())
