"""The section on equal accuracy: what is compared with what, with intervals from predictions and without."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from bench.calibration.outcomes import Outcomes
from bench.predictions import Predictions
from bench.report.analysis import analyse
from bench.report.answer_tables import p_cell
from bench.report.contrasts import contrasts
from bench.report.equal_accuracy import comparisons, curves
from bench.report.ledger import Ledger
from bench.report.sections import sections
from bench.rows import Row
from bench.statistics.contrasts import resample
from bench.statistics.matched import METRICS, curve_of, matched, matched_mean
from bench.trajectory import scored_points
from tests.row_factory import LANGUAGES, make_data

ARMS = {"none": 1.0, "snli": 1.6}
# How much of the labels the model has learnt at each point: less in Swahili, more after an intermediate task.
LEARNT = {"en": (0.6, 1.4, 2.2), "sw": (0.3, 0.8, 1.5)}
ITEMS = 240


def predictions(intermediate: str, language: str, seed: int, place: int) -> Predictions:
    noise = np.random.default_rng([seed, place, len(intermediate)]).normal(size=(ITEMS, 3))
    labels = np.arange(ITEMS) % 3
    logits = (noise + np.eye(3)[labels] * LEARNT[language][place] * ARMS[intermediate]) * 2
    names = np.arange(ITEMS)
    return Predictions(
        np.array([f"i{name}" for name in names]), np.array([f"g{name // 3}" for name in names]), labels,
        logits.astype(np.float32), None, {"language": language, "step": 2**place, "examples": 32 * 2**place},
    )  # fmt: skip


def stored() -> dict[str, Predictions]:
    return {
        f"{arm}-{language}-{seed}-{place}": predictions(arm, language, seed, place)
        for arm in ARMS
        for language in LEARNT
        for seed in (0, 1)
        for place in range(3)
    }


def rows_of(found: dict[str, Predictions], **changes) -> list[Row]:
    rows = []
    for arm in ARMS:
        for language in LEARNT:
            for seed in (0, 1):
                keys = [f"{arm}-{language}-{seed}-{place}" for place in range(3)]
                source = {"source": None} if language == "en" else {"pairing": "items"}
                own = {"intermediate": arm, "language": language, "seed": seed, "groups": ITEMS // 3}
                trajectory = scored_points([(key, found[key]) for key in keys])
                rows.append(Row(make_data(**own, trajectory=trajectory, **source | changes)))
    return rows


@pytest.fixture(scope="module")
def found():
    return stored()


@pytest.fixture(scope="module")
def rows(found):
    return rows_of(found)


def compared(rows, read=None, draws=50):
    (section,) = sections(rows, Ledger(), LANGUAGES)
    return {(one.language, one.title, one.equal): one for one in comparisons(section, curves(read, draws))}


def test_arms_languages_and_whose_accuracy_is_made_equal(rows):
    assert set(compared(rows)) == {
        ("en", "snli less none", "en"),
        ("sw", "snli less none", "sw"),
        ("sw", "snli less none", "en"),
        ("sw", "none: sw less en", "each"),
        ("sw", "snli: sw less en", "each"),
        ("sw", "snli less none: sw less en", "each"),
    }


def test_a_difference_in_differences_is_that_of_its_two_contrasts_replicate_by_replicate(found, rows):
    drawn = compared(rows, found.get)
    own, source, both = (
        drawn[key].runs[0]
        for key in (
            ("sw", "snli less none", "sw"), ("en", "snli less none", "en"), ("sw", "snli less none: sw less en", "each")
        )
    )  # fmt: skip

    assert len(both.differences["gap"]) == 51
    for name in METRICS:
        expected = own.differences[name] - source.differences[name]
        assert np.array_equal(both.differences[name], expected, equal_nan=True)
    # Both pairs are equally accurate, so nothing of it is accuracy.
    assert both.differences["accuracy"][0] == pytest.approx(0)
    assert (both.level, both.reason) == (own.level, "")


def test_a_difference_in_differences_lacks_what_one_of_its_contrasts_lacks(found):
    high = {"accuracy": 0.99, "gap": 0.0, "confidence": 0.99}
    rows = [
        Row({**row.data, "trajectory": [{**row.trajectory[0], **high}]})
        if (row.condition.intermediate, row.condition.language) == ("snli", "en")
        else row
        for row in rows_of(found)
    ]
    run = compared(rows)["sw", "snli less none: sw less en", "each"].runs[0]
    assert "accuracies of 0.990 to 0.990" in run.reason
    assert np.isnan(run.level)


def test_a_contrast_is_that_of_the_predictions_and_has_its_seeds(found, rows):
    one = compared(rows, found.get)["sw", "snli less none", "en"]
    curve = {}
    for arm in ARMS:
        own, on = (
            [
                resample(Outcomes.from_predictions(found[f"{arm}-{language}-1-{place}"]), 50, 0, None, METRICS)
                for place in range(3)
            ]
            for language in ("sw", "en")
        )
        curve[arm] = curve_of(own, on)
    expected = matched(curve["snli"], curve["none"])

    assert len(one.runs) == 2
    assert one.runs[1].level == expected.level
    for name in METRICS:
        assert np.array_equal(one.runs[1].differences[name], expected.differences[name], equal_nan=True)


def test_rows_alone_give_the_same_values_without_replicates(found, rows):
    drawn, alone = compared(rows, found.get), compared(rows)

    for key, one in alone.items():
        for mine, theirs in zip(one.runs, drawn[key].runs, strict=True):
            assert mine.level == pytest.approx(theirs.level)
            assert all(len(values) == 1 for values in mine.differences.values())
            assert all(mine.differences[name][0] == pytest.approx(theirs.differences[name][0]) for name in METRICS)


def test_predictions_of_one_arm_alone_draw_nothing(found, rows):
    kept = {key: each for key, each in found.items() if key.startswith("none")}
    one = compared(rows, kept.get)["sw", "snli less none", "sw"]

    assert all(len(run.differences["gap"]) == 1 for run in one.runs)


def test_neighbouring_sizes_of_one_family_are_compared(found):
    large = rows_of(found, model="xlmr_large")
    titles = {one[1] for one in compared([*rows_of(found), *large, *rows_of(found, model="mbert")])}

    assert {title for title in titles if "xlmr_large less" in title} == {
        "none: xlmr_large less xlmr_base",
        "snli: xlmr_large less xlmr_base",
    }
    assert not any("mbert" in title for title in titles)


def test_cells_at_chance_and_data_that_are_not_parallel_are_left_out(found):
    assert compared(rows_of(found, flags=["at_chance"])) == {}
    unpaired = [
        Row({**row.data, "pairing": "none"}) if row.condition.language == "sw" else row for row in rows_of(found)
    ]

    assert set(compared(unpaired)) == {("en", "snli less none", "en"), ("sw", "snli less none", "sw")}


def line_of(text, *cells):
    (line,) = (line for line in text.splitlines() if tuple(cell.strip() for cell in line.split("|")[1:4]) == cells)
    return line


def test_the_page_has_intervals_with_a_store_and_says_how_to_get_them_without(found, rows):
    alone = contrasts(analyse(rows, Ledger(), LANGUAGES))
    drawn = contrasts(analyse(rows, Ledger(), LANGUAGES), curve=curves(found.get))

    assert "Values without intervals come from rows alone" in alone
    assert "Values without intervals" not in drawn
    (line,) = (
        line for line in drawn.splitlines() if "snli less none" in line and line.startswith("| sw") and "| en" in line
    )
    assert line.count(" to ") == 4
    assert "2 of 2 seeds, 100.0 % of replicates" in line
    (line,) = (
        line for line in alone.splitlines() if "snli less none" in line and line.startswith("| sw") and "| en" in line
    )
    assert " to " not in line


def test_the_p_of_the_gap_is_corrected_within_a_table(found, rows):
    def cells(line):
        return [cell.strip() for cell in line.split("|")]

    page = contrasts(analyse(rows, Ledger(), LANGUAGES), curve=curves(found.get)).split("## At equal accuracy")[1]
    table = [cells(line) for line in page.splitlines() if line.startswith("|")]
    shown = [line[table[0].index("p (BH)")] for line in table[2:]]
    raw = [
        mean.estimate.p
        for one in comparisons(*sections(rows, Ledger(), LANGUAGES), curves(found.get))
        if (mean := matched_mean(one.runs, "gap")[0])
    ]
    assert len(raw) > 2
    assert shown == [p_cell(each) for each in false_discovery_control(raw)]


def test_arms_that_do_not_meet_show_why(found):
    high = {"accuracy": 0.99, "gap": 0.0, "confidence": 0.99}
    rows = [
        Row({**row.data, "trajectory": [{**row.trajectory[0], **high}]})
        if row.condition.intermediate == "snli"
        else row
        for row in rows_of(found)
    ]
    text = contrasts(analyse(rows, Ledger(), LANGUAGES))

    assert "0 of 2 seeds; accuracies of 0.990 to 0.990 and of " in text


def test_without_trajectories_one_sentence_says_how_to_get_them():
    text = contrasts(analyse([Row(make_data())], Ledger(), LANGUAGES))

    assert "A run with `--trajectory 5` reads each fine-tuning at five steps" in text
    assert "At equal accuracy" not in contrasts(analyse([], Ledger(), LANGUAGES))
