"""Figure: every intermediate task by every language: what the task does to the signed gap there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.catalog import tasks
from bench.report.arms import arm_mean
from bench.report.cells import signed_points
from bench.report.claim_settings import measured
from bench.report.drawing import figure_to, flags_line, heading
from bench.report.effects import Effect
from bench.report.figure_heat_map import OWN_DATA
from bench.report.heat import Heat, draw_heat, shared_limit
from bench.report.richness import by_richness
from bench.report.sections import Line, Section

# As many lie beside each other in the figure of degradation and can be told apart.
_FEW = 3
_READING = "Change of the signed gap from no intermediate task, means over the seeds that both have"
_MARKS = (
    "Bold: its 95 % interval, corrected for all cells, leaves out 0 (it takes items for unshared, so it is too wide); "
    f"{OWN_DATA} the task holds the target's own data; hatched: no rows above chance to compare"
)


def has_tasks(section: Section) -> bool:
    """Whether a model has more than three intermediate tasks and controls, and none to compare with."""
    trained = [(line.model, line.intermediate) for line in section.lines if not line.variant]
    models = {model for model, intermediate in trained if intermediate == "none"}
    return any(sum(model == one for one, _ in trained) - 1 > _FEW for model in models)


def task_figure(section: Section, *paths: Path) -> None:
    """Draw the change of the signed gap by intermediate task and language, a panel for each model, to `paths`.

    They end in .svg or .png. Raises BadInput as `figure_to` does.
    """
    names = [name for name in section.intermediates if name != "none"]
    heats = _heats(section, names)
    width, height = 2.2 + 0.62 * len(section.languages), 1.5 + (0.55 + 0.24 * len(names)) * len(heats)
    with figure_to(paths, max(8.0, width), height) as figure:
        panels = figure.subplots(len(heats), 1, sharex=True, squeeze=False)[:, 0]
        for axes, model, heat in zip(panels, section.models, heats, strict=True):
            image = draw_heat(axes, heat, shared_limit(heats))
            axes.set_title(model, loc="left", fontsize=9)
        panels[-1].tick_params(axis="x", rotation=0 if section.world == "real" else 30)
        figure.colorbar(image, ax=list(panels), label="percent points", shrink=0.6)
        flags = {flag for line in section.lines if not line.variant for flag in line.flags}
        heading(figure, f"Intermediate tasks and languages: {section.title}", _READING, _MARKS, flags_line(flags))


def _heats(section: Section, names: Sequence[str]) -> list[Heat]:
    tokens = [info.token for info in by_richness(section.languages)]
    found = [_changes(section, model, names, tokens) for model in section.models]
    cells = sum(effect is not None for changes in found for row in changes for effect in row)
    return [_heat([_marked(section, name) for name in names], tokens, changes, cells) for changes in found]


def _heat(rows: Sequence[str], tokens: Sequence[str], changes: Sequence[Sequence[Effect | None]], cells: int) -> Heat:
    values = [[None if effect is None else effect.value for effect in row] for row in changes]
    texts = [["" if value is None else signed_points(value) for value in row] for row in values]
    strong = [[effect is not None and _leaves_out_zero(effect, cells) for effect in row] for row in changes]
    return Heat(rows, tokens, values, texts, strong)


def _changes(section: Section, model: str, names: Sequence[str], tokens: Sequence[str]) -> list[list[Effect | None]]:
    lines = {line.intermediate: line for line in section.lines if line.model == model and not line.variant}
    return [[_change(lines, name, token) for token in tokens] for name in names]


def _change(lines: dict[str, Line], name: str, token: str) -> Effect | None:
    with_task, without = (
        arm_mean([lines[one]], [token], measured("gap")) if one in lines else None for one in (name, "none")
    )
    change = None if with_task is None or without is None else with_task.minus(without)
    return change if change is not None and change.seeds else None


def _leaves_out_zero(effect: Effect, comparisons: int) -> bool:
    # Of one seed the interval is over items alone, and says nothing of what another would do.
    interval = effect.interval(comparisons)
    return len(effect.seeds) > 1 and (interval.low > 0 or interval.high < 0)


def _marked(section: Section, name: str) -> str:
    return f"{name}{OWN_DATA}" if section.target in tasks.intermediate(name).contaminated else name
