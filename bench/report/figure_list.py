"""Which figures there are for a set of rows, under which names, and which cannot be drawn for want of what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.catalog import tasks
from bench.catalog.ladders import ladders
from bench.catalog.variants import VARIANTS
from bench.data.example import SENTENCE_PAIR
from bench.report.arms import arms
from bench.report.claim_settings import settings
from bench.report.figure_cascade import cascade_figure
from bench.report.figure_confidence import confidence_figure
from bench.report.figure_grid import grid_figure, has_grid
from bench.report.figure_heat_map import has_heat_map, heat_map_figure
from bench.report.figure_reliability import reliability_figure
from bench.report.figure_sizes import size_figure, size_ladders
from bench.report.figure_tasks import has_tasks, task_figure
from bench.report.figures import degradation_figure
from bench.report.line_kinds import variants_of
from bench.report.sections import Line, Section
from bench.report.tables import escaped, markdown_table
from bench.rows import Row

if TYPE_CHECKING:
    from bench.calibration.outcomes import Outcomes
    from bench.predictions import Predictions
    from bench.report.size_tests import Family

# Reads the predictions of a key, None where they are not stored.
Reader = Callable[[str], "Predictions | None"]
Wanted = Callable[[str], bool]
SUFFIXES = (".svg", ".png")
# What a run draws, whatever is there already.
_ALWAYS = ("answer", "degradation")
_STORE = "stored predictions: `crosscal report DIR --store STORE`"
# What each kind shows, and what it needs.
KINDS: Mapping[str, tuple[str, str]] = {
    "answer": ("the three tests: changes over a ladder with intervals and verdicts", "two sizes with one intermediate"),
    "degradation": ("the signed gap of every language, the richest first in each group", "rows"),
    "confidence": ("mean confidence against accuracy", "rows"),
    "tasks": ("what each intermediate task does to the gap of every language", "more than three of them, and none"),
    "sizes": ("transfer of the gap against size, with slopes", "two sizes of one family, and a source language"),
    "grid": ("transfer of the gap by morphology and pretraining data", "an artificial world, and a source language"),
    "heat-map": ("what each intermediate does to each target task", "two target tasks with and without intermediate"),
    "reliability": ("accuracy in bins of confidence, with consistency bars", _STORE),
    "cascade": ("accuracy against cost of small models that ask the largest", f"sizes, sentence pairs, and {_STORE}"),
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that can be drawn: `draw` writes it to the paths that it is given; `name` is without suffix."""

    kind: str
    name: str
    draw: Callable[..., None]


def answer_drawings(families: Iterable[Family]) -> Iterator[Drawing]:
    """Yield the figure of each family of tests that has any change to draw."""
    from bench.report.figure_answer import answer_figure, figure_name, has_answer

    for family in families:
        if has_answer(family):
            yield Drawing("answer", figure_name(family), partial(answer_figure, family))


def drawings(
    rows: Iterable[Row], found: Sequence[Section], read: Reader | None = None, wanted: Wanted | None = None
) -> Iterator[Drawing]:
    """Yield the figures of `rows` and their sections, section by section.

    `read` reads predictions, which takes time, and so only for figures whose name is `wanted`.
    """
    wanted = wanted or everything_wanted
    for section in found:
        for variant in variants_of(section):
            name = "-".join(filter(None, (variant, section.slug)))
            yield Drawing("degradation", f"degradation-{name}", partial(degradation_figure, section, variant))
            yield Drawing("confidence", f"confidence-{name}", partial(confidence_figure, section, variant))
        if has_tasks(section):
            yield Drawing("tasks", f"tasks-{section.slug}", partial(task_figure, section))
        for ladder in size_ladders(section):
            yield Drawing("sizes", f"sizes-{ladder.name}-{section.slug}", partial(size_figure, section, ladder))
        if has_grid(section):
            yield Drawing("grid", f"grid-{section.slug}", partial(grid_figure, section))
        if read is not None:
            yield from _from_predictions(section, read, wanted)
    for setting in settings(rows):
        if has_heat_map(setting):
            name = f"heat-map-{setting.model}-{setting.world}-{setting.study[:12]}"
            yield Drawing("heat-map", name, partial(heat_map_figure, setting))


def _from_predictions(section: Section, read: Reader, wanted: Wanted) -> Iterator[Drawing]:
    for name in dict.fromkeys(name for model in section.models for name in arms(section, model)):
        lines = [own[0] for model in section.models if len(own := arms(section, model).get(name, [])) == 1]
        diagrams, cascades = f"reliability-{name}-{section.slug}", f"cascade-{name}-{section.slug}"
        if not lines or not (wanted(diagrams) or wanted(cascades)):
            continue
        seed = min(seed for line in lines for seed in line.seeds)
        outcomes = _outcomes(lines, seed, read)
        if outcomes:
            draw = partial(reliability_figure, section, name, seed, outcomes)
            yield Drawing("reliability", diagrams, draw)
        # Elsewhere the units of two models differ, or are questions whose candidates do.
        if tasks.target(section.target).kind == SENTENCE_PAIR:
            for ladder in ladders({model for model, _ in outcomes}):
                draw = partial(cascade_figure, section, ladder, name, seed, outcomes)
                yield Drawing("cascade", f"{cascades}-{ladder.name}", draw)


def _outcomes(lines: Sequence[Line], seed: int, read: Reader) -> dict[tuple[str, str], Outcomes]:
    """Return the outcomes that are stored by model and language, of one seed: items of two would not be independent."""
    from bench.calibration.outcomes import outcomes_of
    from bench.calibration.views import views

    found = {}
    for line in lines:
        for row in line.rows:
            own = (row.condition.seed, row.recalibration) == (seed, "none")
            predictions = read(str(row.data["digests"].get("predictions"))) if own else None
            outcomes = None if predictions is None else outcomes_of(predictions, views(predictions)[0])
            if outcomes is not None:
                found[line.model, row.condition.language] = outcomes
    return found


def draw_figures(chosen: Iterable[Drawing], output: Path, everything: bool) -> list[Path]:
    """Draw `everything` as .svg and .png, or as .svg what a run draws and anew what is there; return the paths."""
    written = []
    for drawing in chosen:
        paths = [output / f"{drawing.name}{suffix}" for suffix in SUFFIXES]
        first = everything or drawing.kind in _ALWAYS
        wanted = [path for path, asked in zip(paths, (first, everything), strict=True) if asked or path.exists()]
        if wanted:
            drawing.draw(*wanted)
        written += wanted
    return written


def everything_wanted(name: str) -> bool:
    """Say of every figure that it is wanted."""
    return True


def drawn_before(output: Path) -> Wanted:
    """Return what says whether a figure whose name starts so is in `output`."""
    return lambda name: any(any(output.glob(f"{name}*{suffix}")) for suffix in SUFFIXES)


def figures_page(written: Sequence[Path]) -> str:
    """Return `figures.md`: what each figure shows, and which kinds were not drawn for want of what."""
    stems = [path.stem for path in written if path.suffix == ".svg"]
    kinds = {stem: next(kind for kind in KINDS if stem.startswith(f"{kind}-")) for stem in stems}
    rows = [[stem, f"{KINDS[kind][0]}{_of_variant(stem)}"] for stem, kind in kinds.items()]
    missing = [f"- {escaped(kind)}: {shows}. Needs {needs}." for kind, (shows, needs) in KINDS.items()
               if kind not in kinds.values()]  # fmt: skip
    blocks = ["# Figures", "Each is there as `.svg` and `.png`, and equal rows give equal files."]
    blocks += [markdown_table(["figure", "what it shows"], rows, left=2)] if rows else []
    blocks += ["## Not drawn", "\n".join(missing)] if missing else []
    return "\n\n".join(blocks) + "\n"


def _of_variant(stem: str) -> str:
    name = stem.split("-")[1]
    known = any(name == variant.token for variant in VARIANTS)
    return f", variant {name} beside the plain training" if known else ""
