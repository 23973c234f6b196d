"""What may be analysed together: real data, or the artificial worlds of one study, each with its panel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.report.averaged_tasks import averaged_tasks, genuine_tasks
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
    def others(self) -> tuple[str, ...]:
        """The genuine tasks that no average is over: not every size has them, or one is at chance after them."""
        return tuple(task for task in genuine_tasks(self.section) if task not in self.groups.intermediates)

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
        """Return the worlds, averages being over the genuine tasks that all of `models` have which have any.

        Without those after which one of them is at chance in any world (bench.report.averaged_tasks).
        """
        by_model = [
            {line.intermediate for line in world.section.lines if line.model == token and line.genuine}
            for world in self.worlds
            for token in models
        ]
        present = [tasks for tasks in by_model if tasks]
        shared = set.intersection(*present) if present else set()
        left_out = {task for world in self.worlds for task in _at_chance(world.section, models)}
        common = tuple(sorted(shared - left_out or shared))
        return tuple(replace(world, groups=replace(world.groups, intermediates=common)) for world in self.worlds)


def tasks_sentence(worlds: Sequence[World]) -> str:
    """Name the genuine intermediate tasks that averages are over, and those that they are not."""
    others = sorted({task for world in worlds for task in world.others})
    said = f"Genuine intermediate tasks, averaged over: {', '.join(worlds[0].groups.intermediates) or 'none'}."
    if not others:
        return said
    return f"{said} In no average, because a size lacks them or is at chance after them: {', '.join(others)}."


def _at_chance(section: Section, models: Sequence[str]) -> set[str]:
    return set(genuine_tasks(section, models)) - set(averaged_tasks(section, models))


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
