"""Figures: drawn from the data that they say, the same bytes twice, and the want of data said."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from bench.calibration.cascade import cascade_curve
from bench.calibration.outcomes import Outcomes
from bench.calibration.reliability import reliability
from bench.catalog.ladders import ladders
from bench.catalog.language_info import LanguageInfo
from bench.cli import main
from bench.errors import BadInput
from bench.report.analysis import analyse
from bench.report.arms import arm_mean, arms
from bench.report.averaged_tasks import averaged_tasks
from bench.report.claim_settings import measured, settings, transferred
from bench.report.directory import write_reports
from bench.report.drawing import figure_to, legend_below
from bench.report.effects import Effect, slope
from bench.report.figure_cascade import cascade_figure, draw_cascades
from bench.report.figure_confidence import confidence_figure, place_of
from bench.report.figure_grid import has_grid
from bench.report.figure_heat_map import has_heat_map, heat_map_figure
from bench.report.figure_list import KINDS, answer_drawings, drawings, figures_page
from bench.report.figure_reliability import draw_diagram, reliability_figure
from bench.report.figure_sizes import caveats, doubling, size_figure, size_ladders
from bench.report.figure_tasks import has_tasks, task_figure
from bench.report.figures import degradation_figure
from bench.report.heat import Heat, shared_limit
from bench.report.language_table import languages_of
from bench.report.ledger import Ledger
from bench.report.richness import by_richness
from bench.report.sections import sections
from bench.rows import write_rows
from tests.frame_rows import frame, scored_row
from tests.prediction_factory import make_outcomes, make_predictions
from tests.row_factory import make_row, make_rows

SVG_TEXT = re.compile(r"<text[^>]*>([^<]*)</text>")
PREDICTED = ("reliability", "cascade")


def only(rows):
    (section,) = sections(rows, Ledger(), languages_of(rows))
    return section


def world_rows(model="pocket_s", intermediate="none", seed=0, gaps=None):
    tokens = ("src", "int", "fus", "fus_lo", "agg", "agg_lo", "agf", "isx", "iso", "iso_lo")
    return [
        make_row(
            model=model, intermediate=intermediate, seed=seed, world="w0", language=f"w0_{token}",
            accuracy=0.6, confidence=round(0.6 + (gaps or {}).get(token, 0.01 * place), 6),
            source=None if token == "src" else (0.6, 0.6),
        )
        for place, token in enumerate(tokens)
    ]  # fmt: skip


def whole_rows():
    """Rows of which all figures can be drawn that need no predictions."""
    rows = [
        row
        for seed in (0, 1)
        for model in ("pocket_xs", "pocket_s")
        for intermediate in ("none", "snli")
        for row in world_rows(model, intermediate, seed)
    ]
    return [*rows, *frame(lambda *_: 0.5, ("none", "snli", "mnli", "ccg", "qqp"), ("pawsx", "xquad", "tatoeba"))]


def every_drawing(rows):
    answers = answer_drawings(analyse(rows, Ledger(), languages_of(rows)).families)
    found = sections(rows, Ledger(), languages_of(rows))
    return [*answers, *drawings(rows, found, lambda key: make_predictions(30))]


def text_of(path):
    return SVG_TEXT.findall(path.read_text())


def test_every_figure_is_the_same_twice_whatever_the_order_of_the_rows(tmp_path):
    rows = whole_rows()
    for name, given in (("a", rows), ("b", rows[::-1])):
        (tmp_path / name).mkdir()
        drawn = {each.kind: each for each in every_drawing(given)}
        assert set(drawn) == set(KINDS)
        for each in drawn.values():
            each.draw(tmp_path / name / f"{each.name}.svg", tmp_path / name / f"{each.name}.png")

    first = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}


def test_a_figure_changes_with_its_numbers(tmp_path):
    for name, gap in (("a", 0.05), ("b", 0.06)):
        section = only([*world_rows("pocket_xs", gaps={"agg": gap}), *world_rows("pocket_s")])
        found = [each for each in drawings([], [section]) if each.kind not in PREDICTED]
        (tmp_path / name).mkdir()
        for each in found:
            each.draw(tmp_path / name / f"{each.name}.svg")

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() != (tmp_path / "b" / path.name).read_bytes(), path.name


def test_the_grid_says_the_numbers_of_its_cells(tmp_path):
    section = only(world_rows(gaps={"fus": 0.123, "fus_lo": 0.234, "iso": -0.045}))
    (grid,) = [each for each in drawings([], [section]) if each.kind == "grid"]
    grid.draw(tmp_path / "grid.svg")

    assert {"+12.3", "+23.4", "-4.5", "iso =", "plenty", "scarce"} <= set(text_of(tmp_path / "grid.svg"))
    assert not has_grid(only(make_rows()))


def test_the_heat_map_says_changes_and_marks_what_they_mean(tmp_path):
    def score(intermediate, target):
        return 0.5 + {"mnli": 0.031, "snli": -0.012}.get(intermediate, 0.0)

    rows = frame(score, ("none", "snli", "mnli"), ("xnli", "pawsx"))
    rows += frame(score, ("none", "snli"), ("tydiqa",), flags=["at_chance"])
    (setting,) = settings(rows)
    heat_map_figure(setting, tmp_path / "heat.svg")

    text = text_of(tmp_path / "heat.svg")
    # MNLI holds XNLI's data, TyDiQA is at chance, and MNLI before TyDiQA did not run.
    assert {"+3.1*", "-1.2", "+3.1", "-1.2°", "snli", "mnli"} <= set(text)
    assert text.count("+3.1") == text.count("-1.2") - 1
    assert not has_heat_map(*settings(make_rows()))


def task_rows(names, seeds=(0, 1), **gaps):
    """Rows of two languages in which a task adds so much to the gap."""
    return [
        make_row(
            intermediate=name, seed=seed, language=language, confidence=0.62 + gaps.get(name, 0.0) * (language == "sw")
        )
        for name in names
        for seed in seeds
        for language in ("en", "sw")
    ]  # fmt: skip


def test_the_figure_of_tasks_says_what_each_changes_in_each_language(tmp_path):
    section = only(task_rows(("none", "more", "snli", "mnli", "ccg"), snli=0.12, more=-0.018))
    (tasks,) = [each for each in drawings([], [section]) if each.kind == "tasks"]
    tasks.draw(tmp_path / "tasks.svg")
    drawn = (tmp_path / "tasks.svg").read_text()

    assert {"+12.0", "-1.8", "+0.0", "more", "snli", "mnli*", "ccg", "en", "sw"} <= set(SVG_TEXT.findall(drawn))
    # Alone, a change is beyond 1.4 points with a chance of 5 %; one of eight is beyond 2.0.
    assert re.findall(r"<text[^>]*font-weight: 700[^>]*>([^<]*)", drawn) == ["+12.0"]


def test_of_one_seed_no_task_is_said_to_change_anything(tmp_path):
    task_figure(only(task_rows(("none", "more", "snli", "mnli", "ccg"), seeds=(0,), snli=0.12)), tmp_path / "tasks.svg")

    assert "+12.0" in text_of(tmp_path / "tasks.svg")
    assert "font-weight: 700" not in (tmp_path / "tasks.svg").read_text()


@pytest.mark.parametrize("flag", ["at_chance", "collapsed"])
def test_a_cell_at_chance_is_in_no_figure_of_transfer(flag, tmp_path):
    gaps = {"agg": 0.1, "fus": 0.1, "int": 0.1}
    rows = [*world_rows("pocket_xs", gaps=gaps), *world_rows("pocket_s", gaps=gaps)]
    marked = [
        type(row)({**row.data, "flags": [flag]})
        if (row.condition.model, row.condition.language) == ("pocket_xs", "w0_agg")
        else row
        for row in rows
    ]
    texts = {}
    for name, given in (("all", rows), ("marked", marked)):
        section = only(given)
        size_figure(section, size_ladders(section)[0], tmp_path / f"{name}.svg")
        (grid,) = [each for each in drawings([], [section]) if each.kind == "grid"]
        grid.draw(tmp_path / f"grid-{name}.svg")
        texts[name] = (" ".join(text_of(tmp_path / f"{name}.svg")), text_of(tmp_path / f"grid-{name}.svg"))

    assert ("none: " in texts["all"][0], "none: " in texts["marked"][0]) == (True, True)
    assert texts["all"][0].count("none: ") == texts["marked"][0].count("none: ") + 2
    assert texts["all"][1].count("+10.0") == texts["marked"][1].count("+10.0") + 1


def test_a_source_at_chance_leaves_nothing_to_compare_with():
    rows = world_rows(gaps={"agg": 0.1})
    rows = [type(r)({**r.data, "flags": ["at_chance"]}) if r.condition.language == "w0_src" else r for r in rows]
    (line,) = only(rows).lines

    assert arm_mean([line], ["w0_agg"], transferred("gap"), "w0_src") is None
    assert arm_mean([line], ["w0_agg"], transferred("gap")) is not None


def test_tasks_are_compared_where_there_are_more_than_three_and_none():
    assert has_tasks(only(task_rows(("none", "more", "snli", "mnli", "ccg"))))
    assert not has_tasks(only(task_rows(("none", "more", "snli", "mnli"))))
    assert not has_tasks(only(task_rows(("more", "snli", "mnli", "ccg", "qqp"))))


@pytest.mark.parametrize(
    ("tasks", "shown"),
    [
        (("snli", "mnli", "ccg", "qqp"), ["ccg", "mnli", "more", "none", "qqp", "snli"]),
        (("snli", "mnli", "ccg", "qqp", "csqa"), ["mean of 5 tasks", "more", "none"]),
    ],
)
def test_many_trainings_are_drawn_as_the_mean_of_tasks(tasks, shown, tmp_path):
    section = only(task_rows(("none", "more", *tasks), snli=0.12, ccg=0.02))
    confidence_figure(section, "", tmp_path / "c.svg")

    known = {"none", "more", "mean of 5 tasks", *tasks}
    assert sorted(known & set(text_of(tmp_path / "c.svg"))) == shown


def test_a_task_after_which_a_model_is_at_chance_is_in_no_mean_of_a_figure(tmp_path):
    rows = task_rows(("none", "more", "snli", "mnli", "ccg", "qqp", "csqa"), snli=0.12)
    rows = [type(r)({**r.data, "flags": ["at_chance"]}) if r.condition.intermediate == "ccg" else r for r in rows]
    section = only(rows)

    assert averaged_tasks(section) == ("csqa", "mnli", "qqp", "snli")
    assert list(arms(section, section.models[0])) == ["none", "more", "mean of 4 tasks"]
    lost = [type(r)({**r.data, "flags": ["at_chance"]}) for r in task_rows(("none", "snli", "ccg"))]
    assert averaged_tasks(only(lost)) == ("ccg", "snli")


def test_tasks_without_a_seed_in_common_are_not_compared(tmp_path):
    rows = [*task_rows(("none", "more", "snli", "mnli", "ccg")), *task_rows(("qqp",), seeds=(2,), qqp=0.3)]
    task_figure(only(rows), tmp_path / "tasks.svg")

    assert "qqp" in text_of(tmp_path / "tasks.svg")
    assert text_of(tmp_path / "tasks.svg").count("+0.0") == 8


def test_the_size_figure_says_the_slope_for_a_doubling(tmp_path):
    rows = [*world_rows("pocket_xs", gaps={"agg": 0.1, "fus": 0.1, "int": 0.1})]
    rows += world_rows("pocket_s", gaps={"agg": 0.05, "fus": 0.05, "int": 0.05})
    section = only(rows)
    (ladder,) = size_ladders(section)
    size_figure(section, ladder, tmp_path / "sizes.svg")

    text = " ".join(text_of(tmp_path / "sizes.svg"))
    # 5 points over log2(112,896 / 13,120) doublings.
    assert "none: -1.6 (" in text
    assert "fewer than 4 sizes: no verdict" in text
    assert size_ladders(only(frame(lambda *_: 0.5, ("none",), ("tatoeba",)))) == []


def test_a_slope_is_that_of_least_squares_at_the_seeds_that_all_sizes_have():
    effects = [Effect({0: (value, 0.01), 1: (value + 0.1, 0.01)}) for value in (0.3, 0.1, 0.25)]
    partial = [*effects[:2], effects[2].at([1])]
    expected = np.polyfit([0.0, 1.0, 3.0], [0.3, 0.1, 0.25], 1)[0]

    assert slope([0.0, 1.0, 3.0], effects).value == pytest.approx(expected)
    assert slope([0.0, 1.0, 3.0], partial).seeds == (1,)
    assert slope([0.0, 1.0], effects[:2]).by_seed[0][1] == pytest.approx(np.hypot(0.01, 0.01))
    assert doubling([10, 80], effects[:2]).value == pytest.approx(-0.2 / 3)
    assert doubling([10, 10], effects[:2]) is None
    assert doubling([10, 20], [effects[0].at([0]), effects[1].at([1])]) is None


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (["xlmr_xl", "xlmr_base"], "Ladder xlm-r; models of several generations; fewer than 4 sizes: no verdict"),
        (["me5_small", "me5_small_l3"], "Ladder me5_small; depth of one encoder, never model size; fewer than 4 sizes"),
        (["pocket_xs", "pocket_s", "pocket_m", "pocket_l"], "Ladder pocket-1"),
    ],
)
def test_a_size_figure_says_what_a_slope_through_its_ladder_means(models, expected):
    (ladder,) = ladders(models)

    assert caveats(ladder).startswith(expected)
    assert ("fewer" in caveats(ladder)) == (len(models) < 4)


def test_arms_are_the_control_and_genuine_tasks():
    rows = [row for name in ("none", "more", "snli", "qqp") for row in make_rows(intermediate=name)]
    rows += make_rows(intermediate="mnli", flags=["contaminated"])

    assert list(arms(only(rows), "xlmr_base")) == ["none", "more", "qqp", "snli"]


def test_many_tasks_are_one_arm_where_a_model_has_all():
    names = ("none", "qqp", "csqa", "ccg", "snli")
    rows = [row for name in names for row in make_rows(intermediate=name)]
    rows += [row for name in names[:-1] for row in make_rows(model="xlmr_large", intermediate=name)]
    section = only(rows)

    assert list(arms(section, "xlmr_base")) == ["none", "mean of 4 tasks"]
    assert list(arms(section, "xlmr_large")) == ["none"]


def test_an_arms_mean_wants_all_languages():
    section = only(make_rows())
    (line,) = section.lines

    assert arm_mean([line], ["sw", "tr"], measured("gap")).value == pytest.approx((0.06 + 0.1) / 2)
    assert arm_mean([line], ["sw", "vi"], measured("gap")) is None
    assert arm_mean([line], ["en"], transferred("gap")) is None
    assert arm_mean([line], [], measured("gap")) is None


def test_a_point_is_accuracy_and_confidence_over_seeds():
    section = only([make_row(seed=0, accuracy=0.6), make_row(seed=1, accuracy=0.7)])
    (line,) = section.lines

    assert place_of(line, LanguageInfo("sw", "Swahili", "rich")) == pytest.approx((65, 80))
    assert place_of(line, LanguageInfo("tr", "Turkish", "rich")) is None


def test_languages_go_from_rich_to_poor():
    real = languages_of([make_row()])
    chosen = [real[token] for token in ("zh", "th", "bg", "tr", "en", "sw", "de", "yo")]
    world = languages_of(world_rows())

    assert [info.token for info in by_richness(chosen)] == ["en", "tr", "sw", "bg", "de", "zh", "th", "yo"]
    assert [info.token[3:] for info in by_richness(world.values())] == [
        "src", "int", "fus", "fus_lo", "agg", "agg_lo", "agf", "isx", "iso", "iso_lo", "cln", "idn",
    ]  # fmt: skip


def test_the_colour_of_a_point_is_never_full():
    assert shared_limit([Heat(["a"], ["b"], [[None]], [[""]])]) == 0.01
    assert shared_limit([Heat(["a"], ["b", "c"], [[-0.2, 0.1]], [["", ""]])]) == 0.2


def test_a_reliability_diagram_holds_every_item_and_the_bars_hold_a_calibrated_model():
    outcomes = make_outcomes(400)
    found = reliability(outcomes)

    assert found.share.sum() == pytest.approx(1)
    assert (found.share * found.confidence).sum() == pytest.approx(outcomes.confidence.mean())
    assert (found.share * found.accuracy).sum() == pytest.approx(outcomes.correct.mean())
    assert ((found.low <= found.confidence) & (found.confidence <= found.high))[found.share > 0.02].all()
    assert (np.diff(found.confidence) > 0).all()


def test_a_reliability_diagram_does_not_depend_on_the_order_of_items():
    outcomes = make_outcomes(60)
    turned = outcomes.take(np.arange(60)[::-1])

    assert np.allclose(reliability(outcomes).low, reliability(turned).low)


def test_a_diagram_is_of_accuracy_in_bins_with_its_bars():
    axes, outcomes = Figure().subplots(), make_outcomes(200)
    draw_diagram(axes, outcomes)

    found = reliability(outcomes)
    assert np.array_equal(axes.lines[-1].get_xydata(), np.stack([found.confidence, found.accuracy], axis=1))
    bars = axes.lines[-2].get_xydata().reshape(-1, 3, 2)
    assert np.array_equal(bars[:, :2, 1], np.stack([found.low, found.high], axis=1))
    assert np.array_equal(bars[:, :2, 0], np.stack([found.confidence] * 2, axis=1))
    assert np.isnan(bars[:, 2, 1]).all()


def test_the_histogram_of_a_diagram_has_a_bar_for_every_bin():
    axes, outcomes = Figure().subplots(), make_outcomes(200)
    draw_diagram(axes, outcomes)

    found = reliability(outcomes)
    (histogram,) = axes.patches
    bars = [bar[:4] for bar in histogram.get_path().vertices.reshape(-1, 5, 2)]
    assert np.allclose([bar[:, 0].mean() for bar in bars], found.confidence)
    heights = np.array([np.ptp(bar[:, 1]) for bar in bars])
    assert np.allclose(heights / heights.max(), found.share / found.share.max())


def test_a_cascade_goes_from_the_small_model_to_the_large_one():
    axes, predictions = Figure().subplots(), make_predictions(200)
    right = np.eye(predictions.logits.shape[1], dtype=np.float32)[predictions.labels]
    small, large = (Outcomes.from_predictions(p) for p in (predictions, replace(predictions, logits=5 * right)))
    (ladder,) = ladders(["pocket_xs", "pocket_s"])
    draw_cascades(axes, ladder, {"pocket_xs": small, "pocket_s": large})

    curve, match, alone = (line.get_xydata() for line in axes.lines)
    share = ladder.models[0].body_parameters / ladder.models[1].body_parameters
    assert curve[0] == pytest.approx([share, 100 * small.correct.mean()])
    assert curve[-1] == pytest.approx([share + 1, 100])
    # The large one is always right, so all is right once all errors of the small one are asked about.
    assert match[0] == pytest.approx([curve[np.argmax(curve[:, 1] > 100 - 1e-9), 0], 100])
    assert alone[0] == pytest.approx([1, 100])


def test_a_file_has_short_places_and_its_texts_as_they_were(tmp_path):
    with figure_to([tmp_path / "f.svg"], 2, 1) as figure:
        figure.subplots().plot([1 / 3, 2 / 3], [1 / 7, 2 / 7])
        figure.suptitle("0.12345 points")
    text = (tmp_path / "f.svg").read_text()

    assert "0.12345 points" in text
    assert not re.search(r' (d|x|y|transform)="[^"]*\.\d{3}', text)
    assert not re.search(r">\s+<", text)
    assert set(re.findall(r"font-family: ([^;\"]*)", text)) == {"'DejaVu Sans', sans-serif"}


def test_a_long_cascade_is_drawn_at_some_of_its_points_with_both_ends():
    axes, predictions = Figure().subplots(), make_predictions(2000)
    turned = replace(predictions, logits=predictions.logits[::-1].copy())
    small, large = Outcomes.from_predictions(predictions), Outcomes.from_predictions(turned)
    (ladder,) = ladders(["pocket_xs", "pocket_s"])
    draw_cascades(axes, ladder, {"pocket_xs": small, "pocket_s": large})

    share = ladder.models[0].body_parameters / ladder.models[1].body_parameters
    whole = cascade_curve(small, large, share, 1.0)
    points = np.stack([whole.cost, 100 * whole.accuracy], axis=1)
    drawn = axes.lines[0].get_xydata()
    assert len(points) > len(drawn) == 120
    assert np.array_equal(drawn[[0, -1]], points[[0, -1]])
    assert all((points == each).all(axis=1).any() for each in drawn)


def test_what_is_not_stored_is_said(tmp_path):
    section = only([*world_rows("pocket_xs"), *world_rows("pocket_s")])
    outcomes = make_outcomes(30)
    found = {("pocket_xs", "w0_agg"): outcomes, ("pocket_xs", "w0_src"): outcomes, ("pocket_s", "w0_agg"): outcomes}
    reliability_figure(section, "none", 0, found, tmp_path / "r.svg")
    (ladder,) = ladders(["pocket_xs", "pocket_s"])
    cascade_figure(section, ladder, "none", 0, found, tmp_path / "c.svg")

    assert text_of(tmp_path / "r.svg").count("not stored") == 1
    # The largest model has one language.
    assert [text for text in text_of(tmp_path / "c.svg") if "," in text and "w0_" in text] == ["w0_agg, rich"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_refuses_a_suffix_that_it_cannot_draw(kind, tmp_path):
    drawing = next(each for each in every_drawing(whole_rows()) if each.kind == kind)

    with pytest.raises(BadInput, match=r"x.pdf', but a figure ends in .svg or .png\."):
        drawing.draw(tmp_path / "x.pdf")


def test_a_figure_of_a_variant_is_told_from_that_of_the_plain_training():
    page = figures_page([Path("confidence-mlm-xnli-w0-1.svg"), Path("confidence-xnli-w0-1.svg")])

    assert page.count("mean confidence against accuracy") == 2
    assert page.count("mean confidence against accuracy, variant mlm beside the plain training") == 1


def test_what_cannot_be_drawn_is_said():
    assert "## Not drawn" not in figures_page([Path(f"{kind}-x.svg") for kind in KINDS])
    assert (
        "- reliability: accuracy in bins of confidence, with consistency bars. Needs stored predictions: `crosscal "
        in (figures_page([Path("grid-x.svg")]))
    )


def test_a_run_draws_degradation_and_anew_what_is_there(tmp_path):
    rows = make_rows()
    names = {path.suffix: [] for path in write_reports(rows, Ledger(), tmp_path)}
    assert [path.name[:11] for path in tmp_path.glob("*.svg")] == ["degradation"]
    (stale,) = [tmp_path / f"confidence-{only(rows).slug}.png"]
    stale.write_bytes(b"old")

    assert stale in write_reports(rows, Ledger(), tmp_path)
    assert stale.read_bytes() != b"old"
    assert ".png" not in names


def test_predictions_are_read_for_figures_that_are_there_alone(tmp_path):
    rows, asked = [*world_rows("pocket_xs"), *world_rows("pocket_s")], []

    def read(key):
        asked.append(key)
        return make_predictions(30)

    write_reports(rows, Ledger(), tmp_path, read=read)
    assert asked == []
    (there,) = [tmp_path / f"cascade-none-{only(rows).slug}-pocket-1.svg"]
    there.touch()
    assert there in write_reports(rows, Ledger(), tmp_path, read=read)
    assert there.stat().st_size
    assert len(asked) == len(rows)


def test_report_draws_everything_and_says_what_it_lacks(tmp_path, capsys):
    write_rows(tmp_path / "results.jsonl", make_rows())

    assert main(["report", str(tmp_path)]) == 0
    assert {path.suffix for path in tmp_path.glob("confidence-*")} == {".svg", ".png"}
    page = (tmp_path / "figures.md").read_text()
    assert [kind for kind in KINDS if f"- {kind}:" in page] == [
        "answer",
        "tasks",
        "sizes",
        "grid",
        "heat-map",
        "reliability",
        "cascade",
    ]
    assert ".png" not in (tmp_path / "index.html").read_text()
    assert main(["report", str(tmp_path), "--store", str(tmp_path / "none")]) == 2
    assert "which is no directory; name the store that the run used." in capsys.readouterr().err


@pytest.mark.parametrize("draw", [degradation_figure, confidence_figure])
@pytest.mark.parametrize("variant", ["", "mlm"])
def test_a_variant_stands_beside_the_plain_training_in_the_colours_of_the_intermediate_tasks(draw, variant, tmp_path):
    words = drawn_words(varied_rows(), draw, variant, tmp_path)
    model = "pocket_xs"

    assert [word for word in words if word.startswith(model)] == [
        model,
        *([f"{model}, variant mlm"] if variant else []),
    ]
    assert (words.count("none"), words.count("snli")) == (1, 1)
    assert ("new_masked_head" in " ".join(words), "arbitrary_scale" in " ".join(words)) == (variant == "mlm", False)


def test_there_is_a_figure_of_each_variant_and_of_the_plain_training_where_there_is_one():
    rows = varied_rows()
    plain, varied = only(rows), only([row for row in rows if row.condition.variant == "mlm"])

    def names(section):
        return [one.name for one in drawings(rows, [section]) if one.kind in ("degradation", "confidence")]

    slug = plain.slug
    assert names(plain) == [
        f"{kind}-{variant}{slug}" for variant in ("", "ls10-", "mlm-") for kind in ("degradation", "confidence")
    ]
    assert names(varied) == [f"degradation-mlm-{slug}", f"confidence-mlm-{slug}"]


def test_a_variant_without_its_plain_training_stands_alone(tmp_path):
    rows = [row for row in varied_rows() if row.condition.variant == "mlm"]
    words = drawn_words(rows, degradation_figure, "mlm", tmp_path)

    assert [word for word in words if word.startswith("pocket_xs")] == ["pocket_xs, variant mlm"]


def varied_rows():
    arms = [("none", ""), ("snli", ""), ("snli", "mlm"), ("snli", "ls10")]
    flags = {"mlm": ["new_masked_head"], "ls10": ["arbitrary_scale"]}
    return [
        scored_row(
            intermediate, "xnli", language, 0, 0.6, variant, model="pocket_xs", world="w0", flags=flags.get(variant, [])
        )
        for intermediate, variant in arms
        for language in ("w0_src", "w0_agg")
    ]


def drawn_words(rows, draw, variant, directory):
    path = directory / "figure.svg"
    draw(only(rows), variant, path)
    return SVG_TEXT.findall(path.read_text())


@pytest.mark.parametrize(("count", "width", "lines"), [(6, 2, 1), (7, 2, 2), (6, 40, 3)])
def test_a_legend_of_many_labels_makes_the_figure_higher_and_leaves_its_panels_alone(tmp_path, count, width, lines):
    with figure_to([tmp_path / "figure.png"], 9.0, 4.0) as figure:
        axes = figure.subplots()
        for place in range(count):
            axes.plot([0], [place], label=f"{place}".rjust(width, "x"))
        legend_below(figure, "title")
    assert figure.get_figheight() == pytest.approx(4 + 0.2 * (lines - 1))
    assert axes.get_position().height * figure.get_figheight() > 2
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.width
