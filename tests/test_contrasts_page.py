"""The page of contrasts, and what stands beside the tests: parts add up, dashes stay dashes, nothing is made up."""

from __future__ import annotations

import math

import pytest

from bench.catalog.languages import language, real_languages
from bench.report.analysis import analyse
from bench.report.contrasts import contrasts
from bench.report.equal_accuracy import curves
from bench.report.exploratory import beyond_accuracy, exploratory
from bench.report.label_noise import label_noise
from bench.report.language_contrasts import group_contrasts, language_contrasts
from bench.report.language_table import languages_of
from bench.report.ledger import Ledger
from bench.report.matched_sizes import climbs
from bench.report.morphology import morphology
from bench.report.sections import sections
from bench.report.settings import Setting, settings
from bench.report.size_tests import families
from bench.report.temperature_share import Degradation, Removed, temperature_shares
from bench.report.variant_effects import variant_effects
from bench.rows import Row
from tests.row_factory import LANGUAGES, estimate, make_row
from tests.slope_rows import ladder_rows
from tests.world_rows import world_rows

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


def two_languages() -> Setting:
    """Swahili as in `arms`, and Turkish, where `snli` does twice as much to confidence."""
    rows = arms()
    for row in arms("tr"):
        if (row.condition.language, row.condition.intermediate) == ("tr", "snli"):
            moved = {**row.data["transfer"], "gap": estimate(0.14), "confidence": estimate(0.01)}
            metrics = {**row.data["metrics"], "gap": estimate(0.16), "confidence": estimate(0.93)}
            rows.append(Row({**row.data, "transfer": moved, "metrics": metrics}))
        elif row.condition.language == "tr":
            rows.append(row)
    return setting_of(rows, {token: LANGUAGES[token] for token in ("en", "sw", "tr")})


def test_an_average_is_that_of_its_languages_and_the_source_has_no_transfer() -> None:
    (world,) = two_languages().worlds
    found = group_contrasts(world, "xlmr_base")
    each = language_contrasts(world, "xlmr_base")

    assert list(found) == ["source", "rich", "all targets"]
    assert found["source"].effect.mean.value == pytest.approx(0)
    assert found["source"].without is found["source"].gap is None
    for name in ("without", "transfer", "effect", "confidence", "accuracy", "gap", "control", "net_ece"):
        single = [getattr(one, name).mean.value for one in each]
        assert getattr(found["rich"], name).mean.value == pytest.approx(sum(single) / 2)
    assert each[0].gap.mean.value != pytest.approx(each[1].gap.mean.value)
    assert math.isnan(found["rich"].p)


def test_no_average_is_over_a_group_that_lacks_a_language() -> None:
    (world,) = setting_of(arms(), {token: LANGUAGES[token] for token in ("en", "sw", "tr")}).worlds

    assert list(group_contrasts(world, "xlmr_base")) == ["source"]


def test_the_page_names_the_tasks_and_marks_languages_with_other_numbers_of_items() -> None:
    rows = arms()
    text = contrasts(analyse(rows, Ledger(), LANGUAGES))
    assert "Genuine intermediate tasks, averaged over: snli." in text
    assert "Numbers of items differ" not in text
    fewer = [Row({**row.data, "n": 300}) for row in arms("tr") if row.condition.language == "tr"]
    assert "Numbers of items differ" in contrasts(analyse([*rows, *fewer], Ledger(), LANGUAGES))
    assert "No contrast has data." in contrasts(analyse([], Ledger(), LANGUAGES))


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


def recalibrated(name: str, gaps: dict[str, float], l2: float = 0.004, source_gap: float = 0.02) -> list[Row]:
    """Rows of the source and of languages with that transfer of the gap."""
    rows = []
    for token, gap in {"en": None, **gaps}.items():
        own = source_gap if gap is None else round(source_gap + gap, 9)
        row = make_row(
            language=token, recalibration=name, accuracy=0.6, confidence=round(0.6 + own, 9),
            transfer=None if gap is None else {"gap": estimate(gap)},
        )  # fmt: skip
        rows.append(Row({**row.data, "metrics": {**row.data["metrics"], "l2sq15": estimate(l2)}}))
    return rows


def removed_by(before: list[Row], after: list[Row]) -> Removed:
    tokens = {row.condition.language for row in before}
    (one,) = temperature_shares(setting_of([*before, *after], {token: LANGUAGES[token] for token in sorted(tokens)}))
    return one


def test_the_share_that_a_recalibration_removes() -> None:
    before = recalibrated("none", {"sw": 0.08, "tr": 0.04})
    one = removed_by(before, recalibrated("ts_en", {"sw": 0.02, "tr": 0.01}, l2=0.001, source_gap=-0.01))

    assert one.share == pytest.approx(0.75)
    assert one.before == Degradation(pytest.approx(0.06), pytest.approx(0.004), pytest.approx(0.02))
    assert one.after == Degradation(pytest.approx(0.015), pytest.approx(0.001), pytest.approx(-0.01))


def test_what_is_lost_in_one_language_is_not_made_good_by_another() -> None:
    before = recalibrated("none", {"sw": 0.04, "tr": 0.04})

    assert removed_by(before, recalibrated("ts_few16", {"sw": 0.06, "tr": -0.06})).share == pytest.approx(-0.5)


def test_before_and_after_are_of_the_same_seeds() -> None:
    def at(seed: int, rows: list[Row]) -> list[Row]:
        return [make_row_of(row, seed) for row in rows]

    before = [*at(0, recalibrated("none", {"sw": 0.02})), *at(1, recalibrated("none", {"sw": 0.10}))]
    one = removed_by(before, at(0, recalibrated("ts_en", {"sw": 0.02})))

    assert one.share == pytest.approx(0.0)


def make_row_of(row: Row, seed: int) -> Row:
    condition = {**row.data["condition"], "seed": seed}
    return Row({**row.data, "id": row.id.replace("-s0", f"-s{seed}"), "condition": condition})


def test_noise_is_weighed_against_the_source_of_the_same_seeds() -> None:
    rows = [row for row in arms() if not (row.condition.language == "en" and row.condition.seed == 1)]
    moved = [
        Row({**row.data, "metrics": {**row.data["metrics"], "confidence": estimate(0.99)}})
        if row.condition.seed == 1 and row.condition.language == "sw"
        else row
        for row in rows
    ]
    (none, _) = label_noise(
        setting_of(moved, {token: LANGUAGES[token] for token in ("en", "sw")}).worlds[0], ("xlmr_base",)
    )

    assert none.left[0] == pytest.approx(0.08)


def test_of_less_than_a_point_there_is_no_share() -> None:
    before = recalibrated("none", {"sw": 0.004, "tr": -0.01})

    assert removed_by(before, recalibrated("ts_en", {"sw": 0.0, "tr": 0.0})).share is None
    missing = recalibrated("ts_en", {"sw": 0.0})
    assert temperature_shares(setting_of([*before, *missing], {t: LANGUAGES[t] for t in ("en", "sw", "tr")})) == []


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


def _varied(row: Row, variant: str = "mlm", **changes) -> Row:
    metrics = {**row.data["metrics"], "nll": estimate(0.8)}
    condition = {**row.data["condition"], "variant": variant}
    return Row({**row.data, "id": f"{row.id}-{variant}", "condition": condition, "metrics": metrics, **changes})


def trained(task: str, seeds: tuple[int, ...] = (0, 1), **changes) -> list[Row]:
    """Rows of a training in the source and one language, of both seeds."""
    source = {"source": None, "accuracy": 0.9, "confidence": 0.92, **changes}
    return [
        row
        for seed in seeds
        for row in (
            make_row(intermediate=task, language="en", seed=seed, **source),
            make_row(intermediate=task, language="sw", seed=seed, **changes),
        )
    ]


def effects_of(rows: list[Row]) -> list:
    return variant_effects(setting_of(rows, {token: LANGUAGES[token] for token in ("en", "sw")}))


def test_a_variant_is_compared_after_nothing_after_genuine_tasks_and_after_the_control_apart() -> None:
    plain = [row for task in ("none", "more", "multi", "snli", "qqp") for row in trained(task)]
    plain += trained("mnli", flags=["contaminated"])
    found = effects_of([*plain, *map(_varied, plain)])

    assert [one.tasks for one in found] == [("none",), ("qqp", "snli"), ("more",)]


def test_confidence_on_no_scale_is_compared_after_a_temperature_or_not_at_all() -> None:
    plain = trained("snli")
    varied = [_varied(row, "logitnorm", flags=["arbitrary_scale"]) for row in plain]
    assert effects_of([*plain, *varied]) == []

    after = [Row({**row.data, "recalibration": "ts_en", "flags": []}) for row in (*plain, *varied)]
    (one,) = effects_of([*plain, *varied, *after])
    assert (one.variant, one.recalibration) == ("logitnorm", "ts_en")


def test_worlds_that_count_are_those_that_have_the_numbers() -> None:
    rows = [row for row in world_rows((0.1, 0.1, 0.1), models=("pocket_s",)) if row.condition.intermediate == "snli"]
    varied = [
        _varied(
            row,
            flags=["at_chance"] if row.world != "w1" and row.condition.language.endswith("agg") else list(row.flags),
        )
        for row in rows
    ]
    found = variant_effects(setting_of([*rows, *varied], languages_of(rows)))
    all_of_them = variant_effects(setting_of([*rows, *map(_varied, rows)], languages_of(rows)))

    assert [one.worlds for one in all_of_them] == [3]
    assert [one.worlds for one in found] == [1]
    assert all(math.isnan(each.error) for each in found[0].estimates)
