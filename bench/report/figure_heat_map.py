"""Figure: every intermediate by every target task: what the intermediate does to the score and to the gap."""

from __future__ import annotations

from pathlib import Path

from bench.catalog import tasks
from bench.report.cells import signed_points
from bench.report.claim_settings import Cell, Setting, measured
from bench.report.drawing import figure_to, flags_line, heading
from bench.report.effects import Effect
from bench.report.frame import AT_BASELINE
from bench.report.heat import Heat, draw_heat, shared_limit

OWN_DATA = "*"
_MARKS = (
    f"{AT_BASELINE} no training is above the baseline of that task: uninformative; {OWN_DATA} the intermediate task "
    "holds the target's own data; hatched: not run"
)
_READING = "Change from no intermediate task, mean over languages and seeds. Colours compare within a column only"


def has_heat_map(setting: Setting) -> bool:
    """Whether there are two targets or more, each with and without an intermediate task."""
    return len(_targets(setting)) > 1


def heat_map_figure(setting: Setting, *paths: Path) -> None:
    """Draw the change of the task's score and of the signed gap from no intermediate task, to `paths` (.svg or .png).

    The mean is over all languages of the score, source and controls among them, as XTREME has it.
    Raises BadInput as `figure_to` does.
    """
    targets, names = _targets(setting), _intermediates(setting)
    width, height = 3.5 + 1.3 * len(targets), 2.0 + 0.33 * len(names)
    with figure_to(paths, max(9.0, width), height) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, title, what in zip(panels, ("score", "signed gap"), ("score", "gap"), strict=True):
            heat = _heat(setting, names, targets, what)
            image = draw_heat(axes, heat, shared_limit([heat]))
            axes.set_title(f"change of the {title}", loc="left", fontsize=9)
            axes.tick_params(axis="x", rotation=30)
            figure.colorbar(image, ax=axes, label="percent points", shrink=0.8)
        heading(figure, f"Intermediate and target tasks: {setting.title}", _READING, _MARKS, flags_line(setting.flags))


def _targets(setting: Setting) -> list[str]:
    changed = {cell.target for cell in setting.cells if cell.intermediate != "none" and not cell.variant}
    plain = {cell.target for cell in setting.cells if cell.intermediate == "none" and not cell.variant}
    return [task.token for task in tasks.TARGETS if task.token in changed & plain]


def _intermediates(setting: Setting) -> list[str]:
    present = {cell.intermediate for cell in setting.cells if not cell.variant} - {"none"}
    return [task.token for task in tasks.INTERMEDIATES if task.token in present]


def _heat(setting: Setting, names: list[str], targets: list[str], what: str) -> Heat:
    found = [[_change(setting, Cell(name, target), what) for target in targets] for name in names]
    values = [[None if effect is None else effect.value for effect in row] for row in found]
    texts = [
        [_text(setting, name, target, value) for target, value in zip(targets, row, strict=True)]
        for name, row in zip(names, values, strict=True)
    ]
    return Heat(names, targets, values, texts)


def _change(setting: Setting, cell: Cell, what: str) -> Effect | None:
    if what == "score":
        return setting.gain(cell)
    languages, read = setting.languages(cell.target), measured("gap")
    plain = setting.mean_over(languages, Cell("none", cell.target), read)
    return setting.change(cell, setting.mean_over(languages, cell, read), plain)


def _text(setting: Setting, name: str, target: str, value: float | None) -> str:
    if value is None:
        return ""
    own = OWN_DATA if target in tasks.intermediate(name).contaminated else ""
    return f"{signed_points(value)}{AT_BASELINE if setting.uninformative(target) else ''}{own}"
