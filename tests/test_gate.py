"""The gate: replays to the byte, retrainings against chance and margin, and nothing that is missing passes."""

from dataclasses import replace

import numpy as np
import pytest

from bench.gate.compare import BETTER, ELSEWHERE, INCOMPARABLE, REPLAY, RETRAIN, SAME, WORSE, compare
from bench.gate.measured import Measured, measured
from bench.gate.membership import Membership, membership
from bench.gate.report import page, properties, summary_lines
from bench.gate.verdict import Verdict
from tests.row_factory import estimate, make_row

LANGUAGES = ("en", "sw", "tr")
# Three seeds that differ by a tenth of a point around their mean.
SEEDS = {0: -0.001, 1: 0.0, 2: 0.001}
NOBODY = Membership({}, (), ())


def one(language="sw", seed=0, model="xlmr_base", score=0.7, gap=0.05, nll=0.8, l2sq=0.004, **changes):
    condition = f"{model}-none-xnli-{language}-s{seed}"
    found = Measured(
        condition, "study", f"recipe {seed}", f"data {language}", f"logits {condition}", "here", "test", 5010,
        "accuracy",
        {"score": (score, 0.006), "gap": (gap, 0.006), "nll": (nll, 0.01), "l2sq15": (l2sq, 0.001)},
        {"gap": 1, "nll": 1, "l2sq15": 1}, {"train": 2.0, "predict": 5.0}, "one processor",
    )  # fmt: skip
    return replace(found, **changes)


def side(seeds=SEEDS, languages=LANGUAGES, tag="", model="xlmr_base", **shifts):
    """A side of an aggregate; every seed's values lie around the same, moved by `shifts`."""
    base = {"score": 0.7, "gap": 0.05, "nll": 0.8, "l2sq": 0.004}
    return [
        one(language, seed, model, **{name: value + noise + shifts.get(name, 0.0) for name, value in base.items()},
            recipe=f"recipe {tag}{seed}", logits=f"logits {tag}{seed} {language}")
        for seed, noise in seeds.items()
        for language in languages
    ]  # fmt: skip


def only(compared):
    (found,) = compared
    return found


class TestReplay:
    def test_equal_bytes_are_indistinguishable_with_one_seed(self):
        found = only(compare(side({0: 0.0}), side({0: 0.0})))

        assert (found.mode, found.verdict("quality"), found.verdict("calibration")) == (REPLAY, SAME, SAME)
        assert found.languages == LANGUAGES

    def test_other_bytes_from_the_same_recipe_are_worse_however_little_they_differ(self):
        new = side()
        new[4] = replace(new[4], logits="other")
        found = only(compare(side(), new))

        assert (found.mode, found.verdict("quality"), found.verdict("calibration")) == (REPLAY, WORSE, WORSE)
        assert found.broken == (new[4].id,)

    def test_other_scores_of_equal_logits_are_worse(self):
        new = side()
        new[0] = replace(new[0], values={**new[0].values, "nll": (0.8001, 0.01)})

        assert only(compare(side(), new)).broken == (new[0].id,)

    def test_another_machine_may_round_differently_within_the_margin(self):
        new = [replace(each, logits="other", provenance="there") for each in side(score=0.009)]
        found = only(compare(side(), new))

        assert (found.mode, found.verdict("quality"), found.broken) == (ELSEWHERE, SAME, ())

    def test_beyond_the_margin_another_machine_is_a_retraining(self):
        new = [replace(each, logits="other", provenance="there") for each in side(score=-0.02)]

        assert only(compare(side(), new)).mode == RETRAIN
        assert only(compare(side({0: 0.0}), [each for each in new if "-s0" in each.id])).mode == INCOMPARABLE

    def test_seeds_that_one_side_lacks_are_left_out(self):
        found = only(compare(side(), side({0: SEEDS[0], 7: 0.0})))

        assert (found.mode, found.seeds) == (REPLAY, (1, 1))

    def test_a_replay_needs_digests_of_the_logits(self):
        blank = [replace(each, logits="") for each in side()]

        assert only(compare(blank, blank)).mode == RETRAIN


class TestRetrain:
    @pytest.mark.parametrize(
        ("shift", "family", "verdict"),
        [
            ({"score": -0.02}, "quality", WORSE),
            ({"score": 0.02}, "quality", BETTER),
            ({"score": -0.009}, "quality", SAME),
            ({"gap": 0.02}, "calibration", WORSE),
            ({"gap": -0.02}, "calibration", BETTER),
            ({"nll": 0.02}, "calibration", WORSE),
            ({"nll": -0.02}, "calibration", BETTER),
            # The root goes from .063 to .077: 1.4 points.
            ({"l2sq": 0.002}, "calibration", WORSE),
            # And here to .071: .8 points.
            ({"l2sq": 0.001}, "calibration", SAME),
            ({"nll": 0.02, "gap": -0.02}, "calibration", WORSE),
        ],
    )
    def test_a_change_beyond_chance_and_margin_has_a_direction(self, shift, family, verdict):
        # The squared error varies less than the others, as it does.
        noise = {0: -0.0002, 1: 0.0, 2: 0.0002}
        found = only(compare(side(noise), side(noise, tag="new", **shift)))

        assert found.mode == RETRAIN
        assert {each: found.verdict(each) for each in ("quality", "calibration")} == {
            "quality": SAME, "calibration": SAME, family: verdict,
        }  # fmt: skip

    def test_the_sign_of_the_gap_does_not_count(self):
        new = [
            replace(each, values={**each.values, "gap": (-each.values["gap"][0], 0.006)}) for each in side(tag="new")
        ]

        assert only(compare(side(), new)).verdict("calibration") == SAME

    def test_a_large_change_is_chance_where_seeds_vary_as_much(self):
        noise = {0: -0.03, 1: 0.0, 2: 0.03}
        found = only(compare(side(noise), side(noise, tag="new", score=-0.02)))

        assert found.verdict("quality") == SAME
        quality = found.tested[0]
        assert quality.low < -0.02 < quality.high
        assert quality.detectable > 0.06

    def test_the_margin_is_the_user_s(self):
        assert only(compare(side(), side(tag="new", score=-0.02), margin=3.0)).verdict("quality") == SAME
        assert only(compare(side(), side(tag="new", score=-0.009), margin=0.5)).verdict("quality") == WORSE

    @pytest.mark.parametrize("seeds", [{0: 0.0}, {0: 0.0, 1: 0.001}])
    def test_fewer_than_three_seeds_are_not_comparable(self, seeds):
        found = only(compare(side(), side(seeds, tag="new", score=-0.3)))

        assert found.verdict("quality") == INCOMPARABLE
        assert found.reason == (
            f"3 and {len(seeds)} seeds, but the spread of trainings needs 3 on each side (--seeds 0,1,2)"
        )

    def test_a_seed_without_all_languages_does_not_count(self):
        new = [each for each in side(tag="new") if each.id != "xlmr_base-none-xnli-sw-s2"]

        assert only(compare(side(), new)).reason.startswith("3 and 2 seeds")

    def test_holm_s_correction_covers_all_aggregates(self):
        noise = {0: -0.005, 1: 0.0, 2: 0.005}
        alone = compare(side(noise), side(noise, tag="new", score=-0.015))
        models = [f"model_{place}" for place in range(20)]
        old = [each for model in models for each in side(noise, model=model)]
        new = [
            each
            for model in models
            for each in side(noise, tag="new", model=model, score=-0.015 if model == models[0] else 0.0)
        ]
        many = compare(old, new)

        assert only(alone).verdict("quality") == WORSE
        assert {each.verdict("quality") for each in many} == {SAME}
        first = next(each for each in many if each.name.startswith("model_0-")).tested[0]
        assert first.p == pytest.approx(20 * only(alone).tested[0].p)
        assert first.high - first.low > 2 * (only(alone).tested[0].high - only(alone).tested[0].low)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"data": "other"}, "other test items in en"),
            ({"n": 5}, "other test items in en"),
            ({"split": "dev"}, "another split in en"),
            ({"score": "f1"}, "another score in en"),
            ({"versions": {"gap": 2}}, "another version of a metric in en"),
        ],
    )
    def test_what_was_measured_otherwise_is_not_comparable(self, changes, reason):
        found = only(compare(side(), [replace(each, **changes) for each in side(tag="new")]))

        assert (found.mode, found.reason) == (INCOMPARABLE, reason)

    def test_a_language_that_only_one_side_has_is_in_no_mean(self):
        old = side(languages=("en", "sw"))
        new = side(languages=("en", "zh"), tag="new")
        found = only(compare(old, new))

        assert found.languages == ("en",)
        assert only(compare(side(languages=("sw",)), side(languages=("zh",)))).mode == INCOMPARABLE


class TestThroughput:
    def rates(self, factor, tag="new", **changes):
        return [
            replace(each, rates={"train": 2.0 * factor * (1 + each.condition.seed / 100), "predict": 5.0}, **changes)
            for each in side(tag=tag)
        ]

    @pytest.mark.parametrize(("factor", "verdict"), [(0.5, WORSE), (2.0, BETTER), (0.85, SAME)])
    def test_rates_are_ratios_to_the_reference_loop(self, factor, verdict):
        assert only(compare(self.rates(1.0, ""), self.rates(factor))).verdict("throughput") == verdict

    def test_another_device_is_not_comparable(self):
        assert (
            only(compare(self.rates(1.0, ""), self.rates(0.5, device="another"))).verdict("throughput") == INCOMPARABLE
        )
        assert (
            only(compare(self.rates(1.0, "", device=""), self.rates(0.5, device=""))).verdict("throughput")
            == INCOMPARABLE
        )

    def test_it_fails_no_run(self):
        compared = tuple(compare(self.rates(1.0, ""), self.rates(0.2)))

        assert Verdict("b", compared, NOBODY, 1.0).exit_code == 0


class TestMembership:
    def test_everything_that_was_not_measured_has_its_reason(self):
        found = membership(
            baseline=["scored", "failed", "cut", "deselected", "renamed"],
            scored={"scored", "new"},
            unscored={"failed": "skipped: needs data"},
            selected={"scored", "failed", "cut", "new"},
            grid={"scored", "failed", "cut", "deselected", "new"},
        )

        assert found.missing == {
            "failed": "skipped: needs data",
            "cut": "not run: the session ended before it",
            "renamed": "no such condition in this grid: renamed, removed, or of another --grid, --seeds or --worlds",
        }
        assert found.deselected == ("deselected",)
        assert found.new == ("new",)


class TestVerdict:
    worse = tuple(compare(side(), side(tag="new", score=-0.02)))
    unclear = tuple(compare(side(), side({0: 0.0}, tag="new")))
    same = tuple(compare(side(), side()))
    missing = Membership({"xlmr_base-none-xnli-de-s0": "skipped: needs data"}, (), ())

    @pytest.mark.parametrize(
        ("compared", "members", "allow", "code"),
        [
            (same, NOBODY, False, 0),
            (worse, NOBODY, False, 10),
            (unclear, NOBODY, False, 11),
            (same, missing, False, 11),
            (same, missing, True, 0),
            (worse, missing, True, 10),
            (unclear, missing, True, 11),
            (same, Membership({}, ("a",), ("b",)), False, 0),
        ],
    )
    def test_exit_codes(self, compared, members, allow, code):
        assert Verdict("b", compared, members, 1.0, allow).exit_code == code

    def test_the_summary_names_what_happened(self):
        members = Membership({"xlmr_base-none-xnli-de-s0": "skipped: needs data"}, ("gone",), ("fresh",))
        lines = summary_lines(Verdict("b.jsonl", self.worse, members, 1.0))

        assert lines[0] == "baseline b.jsonl: FAILED: something is worse (exit code 10)"
        assert any(line.startswith("xlmr_base-none-xnli") and "worse" in line for line in lines)
        assert "Missing, 1 of the baseline's conditions, skipped: needs data: xlmr_base-none-xnli-de-s0." in lines
        assert "Left out by your selection, 1 conditions: gone." in lines
        assert "New, not in the baseline, 1 conditions: fresh." in lines

    def test_the_page_lists_single_conditions_with_what_they_could_show(self):
        old, new = side(), side(tag="new", score=-0.02)
        text = page(Verdict("b.jsonl", self.worse, NOBODY, 1.0), old, new)
        (row,) = [line for line in text.splitlines() if line.startswith("| xlmr_base-none-xnli") and "| sw " in line]

        assert [cell.strip() for cell in row.split("|")[3:7]] == ["3, 3", "70.00", "68.00", "-2.00"]
        # .001 * sqrt(2 / 3) * (2.776 + .941), in points.
        assert float(row.split("|")[7]) == pytest.approx(0.30, abs=0.005)

    def test_junit_hears_the_outcome(self):
        found = properties(Verdict("b.jsonl", self.worse, self.missing, 1.0))

        assert found["crosscal.gate"] == "FAILED: something is worse (exit code 10)"
        assert (found["crosscal.gate.worse"], found["crosscal.gate.indistinguishable"]) == ("1", "1")
        assert found["crosscal.gate.missing"] == "1"


def test_a_row_is_measured_by_its_own_score():
    row = make_row(
        accuracy=0.6, confidence=0.8, nll=1.0, device="a processor",
        throughput={"train_tokens_per_s": 500.0, "train_reference": 100.0, "predict_tokens_per_s": None},
        baseline={"name": "majority", "score": "entity_f1", "value": 0.1},
        task_scores={"entity_f1": {"value": 0.42, "low": 0.40, "high": 0.44}},
        digests={"recipe": "r", "data": "d", "predictions": "p", "weights": "w", "logits": "l"}, provenance="o",
    )  # fmt: skip
    found = measured(row)

    assert found.values["score"] == (0.42, pytest.approx(0.04 / 3.92, rel=1e-3))
    assert found.values["gap"][0] == 0.2
    assert (found.rates, found.device, found.logits, found.provenance) == ({"train": 5.0}, "a processor", "l", "o")


def test_what_a_row_lacks_is_not_measured():
    metrics = {"accuracy": estimate(0.5), "gap": estimate(0.1), "nll": None}

    assert set(measured(make_row(metrics=metrics)).values) == {"score", "gap"}
    both = [measured(make_row(seed=seed, metrics=metrics)) for seed in range(3)]
    assert [each.name for each in only(compare(both, both)).tested[:2]] == ["score", "gap"]


def test_the_numbers_are_those_of_the_seeds_means():
    noise = {0: -0.004, 1: 0.001, 2: 0.006}
    found = only(compare(side(noise), side(noise, tag="new", score=0.02))).tested[0]

    assert found.old == pytest.approx(np.mean([0.696, 0.701, 0.706]))
    assert found.new - found.old == pytest.approx(0.02)
