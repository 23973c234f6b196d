"""The page of contrasts, and what stands beside the tests: parts add up, dashes stay dashes, nothing is made up."""

from __future__ import annotations

import math

import pytest

from bench.catalog.languages import language, real_languages
from bench.report.contrasts import contrasts
from bench.report.equal_accuracy import curves
from bench.report.exploratory import beyond_accuracy, exploratory
from bench.report.label_noise import label_noise
from bench.report.language_contrasts import language_contrasts
from bench.report.ledger import Ledger
from bench.report.matched_sizes import climbs
from bench.report.morphology import morphology
from bench.report.sections import sections
from bench.report.settings import Setting, settings
from bench.report.size_tests import families
from bench.report.temperature_share import Removed, temperature_shares
from bench.report.variant_effects import variant_effects
from bench.rows import Row
from tests.row_factory import LANGUAGES, estimate, make_row
from tests.slope_rows import ladder_rows

REAL = {token: language(token) for token in real_languages()}


def setting_of(rows: list[Row], languages=LANGUAGES) -> Setting:
    (setting,) = settings(sections(rows, Ledger(), languages))
    return setting


def arms(language: str = "sw", flags: tuple[str, ...] = ()) -> list[Row]:
    """One model and language: transfer of confidence and accuracy with an intermediate task, without, and `more`."""
    parts = {"none": (-0.02, -0.10), "snli": (-0.01, -0.13), "more": (-0.02, -0.11)}
    rows = []
    for task, (confidence, accuracy) in parts.items():
        for seed in (0, 1):
            moved = {"confidence": confidence, "accuracy": accuracy, "gap": round(confidence - accuracy, 9)}
            rows.append(
                make_row(intermediate=task, language="en", seed=seed, source=None, accuracy=0.9, confidence=0.92)
            )
            rows.append(
                make_row(
                    intermediate=task, language=language, seed=seed, accuracy=round(0.9 + accuracy, 9),
                    confidence=round(0.92 + confidence, 9), flags=list(flags) if task == "snli" else [],
                    transfer={name: estimate(value) for name, value in moved.items()},
                )
            )  # fmt: skip
    return rows


def test_the_difference_in_differences_of_the_gap_is_that_of_confidence_less_that_of_accuracy() -> None:
    (one,) = language_contrasts(setting_of(arms()).worlds[0], "xlmr_base")

    assert one.gap.mean.value == pytest.approx(0.04)
    assert one.gap.mean.value == pytest.approx(one.confidence.mean.value - one.accuracy.mean.value)
    assert one.control.mean.value == pytest.approx(0.12 - 0.09)
    assert one.effect.mean.value == pytest.approx(0.04)
    assert one.net_ece.mean.value == pytest.approx(0.14 + 0.002 - 0.0103)
    assert 0 < one.p < 1


def test_one_seed_has_no_p() -> None:
    single = [row for row in arms() if row.condition.seed == 0]
    (one,) = language_contrasts(setting_of(single).worlds[0], "xlmr_base")

    assert one.gap.item_only
    assert math.isnan(one.p)


def test_a_cell_at_chance_leaves_dashes_and_no_p() -> None:
    (one,) = language_contrasts(setting_of(arms(flags=("at_chance",))).worlds[0], "xlmr_base")

    assert one.without is not None
    assert one.transfer is one.gap is None
    assert math.isnan(one.p)


def test_the_page_names_the_tasks_and_marks_languages_with_other_numbers_of_items() -> None:
    rows = arms()
    text = contrasts(rows, Ledger(), LANGUAGES)
    assert "Genuine intermediate tasks: snli." in text
    assert "Numbers of items differ" not in text
    fewer = [Row({**row.data, "n": 300}) for row in arms("tr") if row.condition.language == "tr"]
    assert "Numbers of items differ" in contrasts([*rows, *fewer], Ledger(), LANGUAGES)
    assert "No contrast has data." in contrasts([], Ledger(), LANGUAGES)


def with_auroc(change: float) -> list[Row]:
    """The ladder's rows with an AUROC that moves by `change` from model to model in target languages."""
    rows = []
    for row in ladder_rows(0.1):
        place = ("xlmr_base", "xlmr_large", "xlmr_xl", "xlmr_xxl").index(row.condition.model)
        value = 0.8 if row.condition.language == "en" else 0.7 + change * place
        rows.append(Row({**row.data, "metrics": {**row.data["metrics"], "auroc": estimate(value)}}))
    return rows


@pytest.mark.parametrize(("change", "agrees"), [(-0.03, True), (0.0, False), (0.03, False)])
def test_beyond_accuracy_is_said_only_where_a_quantity_without_accuracy_gets_worse_too(change, agrees) -> None:
    family = next(one for one in families([setting_of(with_auroc(change))]) if one.ladder.name == "xlm-r")

    assert bool(beyond_accuracy(exploratory(family, climbs(family, curves(None))), family.outcomes[0])) == agrees


def test_the_share_that_a_recalibration_removes() -> None:
    after = [
        Row({**row.data, "recalibration": "ts_en", "transfer": {"gap": estimate(0.02), "l2sq15": estimate(0.001)}})
        for row in arms()
    ]
    before = [Row({**row.data, "transfer": {"gap": estimate(0.08), "l2sq15": estimate(0.004)}}) for row in arms()]
    setting = setting_of([*before, *after], {token: LANGUAGES[token] for token in ("en", "sw")})

    shares = {one.intermediate: one.shares for one in temperature_shares(setting)}
    assert shares == {"none": pytest.approx((0.75, 0.75)), "genuine": pytest.approx((0.75, 0.75))}


def test_where_l2_lost_nothing_no_share_of_it_is_removed() -> None:
    one = Removed("xlmr_base", "none", "ts_en", 1, (0.04, -0.001), (-0.01, 0.001))

    assert one.shares == (pytest.approx(0.75), None)


def full_ladder(slope: float) -> list[Row]:
    """XNLI's fourteen target languages and English, whose transfer is `slope` times their C_WALS."""
    rows = [make_row(language="en", source=None, accuracy=0.9, confidence=0.92)]
    for token, row in real_languages().items():
        if row.group in ("rich", "between", "poor"):
            moved = round(slope * row.c_wals, 9)
            rows.append(make_row(language=token, confidence=round(0.62 + moved, 9), transfer={"gap": estimate(moved)}))
    return rows


def test_morphology_is_described_only_with_all_languages() -> None:
    world = setting_of(full_ladder(0.3), REAL).worlds[0]
    (one,) = morphology(world, ("xlmr_base",))

    assert one.slopes[0].value > 0
    assert one.slopes[0].error == pytest.approx(0, abs=1e-9)
    assert one.slopes[1].value == pytest.approx(0, abs=1e-9)
    fewer = setting_of([row for row in full_ladder(0.3) if row.condition.language != "ur"], REAL).worlds[0]
    assert morphology(fewer, ("xlmr_base",)) == []


def test_noise_that_is_as_large_as_the_degradation_leaves_none() -> None:
    (none, genuine) = label_noise(
        setting_of(arms(), {token: LANGUAGES[token] for token in ("en", "sw")}).worlds[0], ("xlmr_base",)
    )

    assert none.left[0] == pytest.approx(0.08)
    assert none.left[0] > none.left[1] > none.left[3]
    assert 0.05 < none.rate < genuine.rate


def test_a_variant_is_compared_with_the_plain_training_of_the_same_task() -> None:
    languages = {token: LANGUAGES[token] for token in ("en", "sw")}
    plain = [row for row in arms() if row.condition.intermediate == "snli"]
    varied = [_varied(row) for row in plain]
    (one,) = variant_effects(setting_of([*plain, *varied], languages))

    assert (one.variant, one.tasks) == ("mlm", ("snli",))
    assert one.estimates[1].value == pytest.approx(-0.2)
    assert one.estimates[0].value == pytest.approx(0.0)
    assert variant_effects(setting_of(plain, languages)) == []
    # A variant is no genuine intermediate task.
    assert setting_of([*plain, *varied], languages).worlds[0].groups.intermediates == ("snli",)


def _varied(row: Row) -> Row:
    metrics = {**row.data["metrics"], "nll": estimate(0.8)}
    condition = {**row.data["condition"], "variant": "mlm"}
    return Row({**row.data, "id": f"{row.id}-mlm", "condition": condition, "metrics": metrics})
