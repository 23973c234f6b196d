"""Claims about Phang et al.: what supports one, what contradicts it, and when it cannot be judged."""

from pathlib import Path

import pytest

from bench.catalog.claims import CLAIMS
from bench.report.claim_checks import AGREES, CONTRADICTED, DISAGREES, SUPPORTED, check
from bench.report.claim_settings import settings
from bench.report.claims import claims_page
from bench.report.effects import Effect, best_on_other_seeds, mean_effect
from bench.report.seeds import combine_seeds
from bench.rows import Estimate
from tests.frame_rows import NINE, TARGETS, frame, scored_row
from tests.row_factory import make_rows

GOLDEN = Path(__file__).parent / "goldens" / "claims.md"
BY_TOKEN = {claim.token: claim for claim in CLAIMS}
RETRIEVAL = ("bucc", "tatoeba")


def finding(token, rows):
    (setting,) = settings(rows)
    return check(BY_TOKEN[token], setting)


def verdict(token, rows):
    return finding(token, rows).verdict


def gains(size):
    """A score that `size` maps from (intermediate, target) to points above a plain training's .5."""
    return lambda intermediate, target: 0.5 + (0 if intermediate == "none" else size(intermediate, target) / 100)


def squad(points, **changes):
    score = gains(lambda *_: points)
    return frame(score, intermediates=("none", "squad_v1"), model="xlmr_large", world="real", **changes)


@pytest.mark.parametrize(("points", "expected"), [(8.2, SUPPORTED), (4.0, CONTRADICTED), (-3.0, CONTRADICTED)])
def test_a_figure_is_held_to_xlmr_large_on_whole_real_data(points, expected):
    assert verdict("squad", squad(points)) == expected


@pytest.mark.parametrize("flag", ["capped", "subset"])
def test_a_part_of_the_data_is_an_analogue_and_held_to_the_direction(flag):
    assert verdict("squad", squad(4.0, flags=[flag])) == AGREES
    assert verdict("squad", squad(-4.0, flags=[flag])) == DISAGREES


@pytest.mark.parametrize(("points", "expected"), [(3.0, AGREES), (-3.0, DISAGREES)])
@pytest.mark.parametrize("token", ["squad", "multi", "xtreme"])
def test_a_world_agrees_with_a_direction(token, points, expected):
    assert verdict(token, frame(gains(lambda *_: points))) == expected


def test_an_interval_around_nothing_judges_nothing():
    found = finding("multi", frame(gains(lambda *_: 0.1)))

    assert found.verdict == "cannot be judged (needs a narrower interval: more seeds or items)"
    assert found.ours.low < 0 < found.ours.high


def test_one_seed_has_a_number_and_no_verdict():
    found = finding("squad", frame(gains(lambda *_: 3.0), seeds=[0]))

    assert found.verdict == "cannot be judged (needs at least 2 seeds)"
    assert found.ours.value == pytest.approx(0.03)


@pytest.mark.parametrize("target", TARGETS)
def test_no_average_without_a_member(target):
    rows = frame(gains(lambda *_: 3.0), intermediates=("none", "squad_v1"))
    missing = [row for row in rows if row.id != f"pocket_s-squad_v1-{target}-w0_agg-s1"]
    gone = [row for row in rows if row.condition.target != target]

    assert len(missing) == len(rows) - 1
    assert verdict("squad", missing) == "cannot be judged (needs at least 2 seeds)"
    assert verdict("squad", gone) == f"cannot be judged (needs {target} in all languages, with none and squad_v1)"


def test_real_averages_are_over_all_of_xtremes_languages():
    rows = [row for row in squad(8.2) if row.condition.language != "yo"]

    assert verdict("squad", rows) == "cannot be judged (needs udpos panx in all languages, with none and squad_v1)"


def test_retrieval_without_intermediate_has_one_seed_that_stands_for_all():
    rows = frame(gains(lambda *_: 3.0), intermediates=("none", "squad_v1"))
    rows = [row for row in rows if row.condition.target not in RETRIEVAL or "none" not in row.id or "s0" in row.id]

    assert verdict("squad", rows) == AGREES


def test_a_task_that_nothing_solves_says_nothing():
    rows = frame(gains(lambda *_: 3.0), targets=TARGETS[1:])
    rows += frame(gains(lambda *_: 3.0), targets=TARGETS[:1], flags=["at_chance"])

    assert verdict("squad", rows) == "cannot be judged (needs a model above chance in xnli)"
    above = [type(row)({**row.data, "flags": []}) if row.condition.language == "w0_iso" else row for row in rows]
    assert verdict("squad", above) == AGREES


@pytest.mark.parametrize(
    ("retrieval", "tydiqa", "expected"),
    [(9.0, 2.0, AGREES), (4.0, 8.0, DISAGREES), (3.0, 3.0, "cannot be judged (needs narrower")],
)
def test_retrieval_gains_most_where_no_other_task_is_near(retrieval, tydiqa, expected):
    points = dict.fromkeys(TARGETS, 1.0) | dict.fromkeys(RETRIEVAL, retrieval) | {"tydiqa": tydiqa}
    found = finding("retrieval", frame(gains(lambda _, target: points[target])))

    assert found.verdict.startswith(expected)
    assert found.ours.value == pytest.approx((retrieval - tydiqa) / 100)
    assert "minus that of tydiqa, the closest" in found.note


def test_the_targets_own_data_are_in_no_average_of_gains():
    own = {"xnli": ("anli", "mnli"), "xquad": ("squad_v1", "squad_v2"), "mlqa": ("squad_v1", "squad_v2")}

    def points(intermediate, target):
        return 50.0 if intermediate in own.get(target, ()) else 9.0 if target in RETRIEVAL else 1.0

    assert verdict("retrieval", frame(gains(points))) == AGREES


@pytest.mark.parametrize(
    ("many", "xnli", "expected"),
    [
        (5, -2.0, AGREES),
        (4, -2.0, DISAGREES),
        (9, 5.0, DISAGREES),
        (9, 0.5, "cannot be judged (needs narrower intervals: more seeds or items)"),
    ],
)
def test_tydiqa_gains_with_many_and_xnli_with_none(many, xnli, expected):
    def points(intermediate, target):
        return xnli if target == "xnli" else 4.0 if intermediate in NINE[:many] else -4.0

    assert verdict("tydiqa_xnli", frame(gains(points), targets=("tydiqa", "xnli"))) == expected


@pytest.mark.parametrize(
    ("mlm", "mt", "expected"), [(-3.0, -4.0, AGREES), (-3.0, 4.0, DISAGREES), (-3.0, -0.1, "cannot be judged")]
)
def test_english_must_beat_both_alternatives(mlm, mt, expected):
    rows = frame(gains(lambda *_: 3.0), intermediates=("none", "snli"), targets=("xnli",))
    for variant, points in (("mlm", mlm), ("mt", mt)):
        rows += frame(gains(lambda *_, p=points: 3.0 + p), ("snli",), ("xnli",), variant=variant)

    assert verdict("alternatives", rows).startswith(expected)
    assert verdict("alternatives", [row for row in rows if row.condition.variant != "mt"]) == (
        "cannot be judged (needs the variant mt beside its plain training, above chance)"
    )


def test_tasks_with_the_targets_own_data_do_not_count_among_the_alternatives():
    points = {"snli": 0.0, "mnli": 20.0}
    rows = frame(gains(lambda task, _: points[task]), ("none", "snli", "mnli"), ("xnli",))
    for variant in ("mlm", "mt"):
        rows += frame(gains(lambda *_: 0.0), ("snli", "mnli"), ("xnli",), variant=variant)

    assert finding("alternatives", rows).ours.value == pytest.approx(0.0)


def test_the_start_is_that_of_the_rows():
    rows = squad(8.2, targets=("xnli",))

    assert verdict("start", rows) == SUPPORTED
    needs = "cannot be judged (needs the weights that trainings with an intermediate task and without start from)"
    assert verdict("start", [row for row in rows if row.condition.intermediate == "none"]) == needs
    unknown = [type(row)({**row.data, "digests": {**row.data["digests"], "weights": None}}) for row in rows]
    assert verdict("start", unknown) == needs
    other = scored_row("none", "xnli", "en", 7, 0.5, model="xlmr_large", world="real", protocol="pocket")
    other = type(other)({**other.data, "digests": {"weights": "others"}})
    assert verdict("start", [*rows, other]) == CONTRADICTED
    assert verdict("start", frame(gains(lambda *_: 1.0), targets=("xnli",))) == "cannot be judged (needs xlmr_large)"


@pytest.mark.parametrize("token", ["phases", "nine"])
def test_what_ran_is_read_off_the_recipes(token):
    rows = frame(gains(lambda *_: 1.0), targets=("xnli",))
    alike = [type(row)({**row.data, "digests": {"recipe": "one"}}) for row in rows]

    assert verdict(token, rows) == AGREES
    assert verdict(token, alike) == DISAGREES
    assert verdict(token, [row for row in rows if row.condition.intermediate == "none"]).startswith("cannot be judged")


def test_nine_tasks_are_nine():
    rows = frame(gains(lambda *_: 1.0), intermediates=NINE[1:], targets=("xnli",))

    assert verdict("nine", rows) == "cannot be judged (needs trainings after anli)"


@pytest.mark.parametrize("flag", ["prior_supervision", "random_weights", "stand_in", "local_model"])
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.token)
def test_some_encoders_say_nothing_of_phang(claim, flag):
    rows = frame(gains(lambda *_: 3.0), intermediates=("none", "squad_v1"), targets=("xnli",), flags=[flag])

    assert verdict(claim.token, rows).startswith("cannot be judged (needs ")


def test_a_substitute_is_not_squad():
    rows = frame(gains(lambda *_: 3.0), intermediates=("none",))
    rows += frame(gains(lambda *_: 3.0), intermediates=("squad_v1",), flags=["substitute_train"])

    assert verdict("squad", rows) == "cannot be judged (needs 9 tasks in all languages, with none and squad_v1)"


def test_the_best_is_chosen_on_other_seeds():
    lucky, steady = Effect({0: (0.9, 0.01), 1: (0.1, 0.01)}), Effect({0: (0.4, 0.01), 1: (0.4, 0.01)})

    assert best_on_other_seeds([lucky, steady]).by_seed == {0: (0.4, 0.01), 1: (0.1, 0.01)}


def test_an_interval_is_that_of_the_tables():
    by_seed = {0: (0.1, 0.02), 1: (0.16, 0.03), 2: (0.12, 0.01)}
    half = 1.959963984540054
    expected = combine_seeds([Estimate(v, v - half * e, v + half * e) for v, e in by_seed.values()])
    found = Effect(by_seed).interval()

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert Effect(by_seed).interval(7).low < found.low


def test_items_that_are_shared_count_once():
    one, two = Effect({0: (0.2, 0.03)}), Effect({0: (0.4, 0.04), 1: (0.5, 0.04)})

    assert mean_effect([one, two], same_items=True).by_seed[0] == pytest.approx((0.3, 0.035))
    assert mean_effect([one, two], same_items=False).by_seed[0] == pytest.approx((0.3, 0.025))
    assert one.minus(two).by_seed[0] == pytest.approx((-0.2, 0.05))


def test_settings_of_which_the_same_is_to_be_said_share_a_table():
    rows = [*make_rows(), *make_rows(model="mbert")]
    text = claims_page(rows)

    assert "## 2 settings alike" in text
    assert text.count("| 1   | SQuAD") == 1


def test_no_rows_judge_nothing():
    assert claims_page([]).count("cannot be judged (needs rows)") == len(CLAIMS)


def test_golden():
    points = dict.fromkeys(TARGETS, 1.0) | dict.fromkeys(RETRIEVAL, 9.0) | {"xnli": -2.0}
    rows = frame(gains(lambda _, target: points[target]))
    rows += [*make_rows(intermediate="none"), *make_rows(intermediate="snli", flags=["prior_supervision"])]

    assert claims_page(rows) == GOLDEN.read_text()
    assert claims_page(rows[::-1]) == claims_page(rows)
