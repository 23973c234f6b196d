import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from bench.calibration.conformal import SetRule, Stratum, adaptive_scores, conformal_quantile, evaluate, fit_conformal
from bench.calibration.outcomes import Outcomes
from bench.errors import BadInput
from tests.prediction_factory import make_outcomes
from tests.strategies import outcomes

METHODS = ["lac", "aps", "raps"]
# Four items at alpha = .4: the threshold is the third smallest score of a label.
FIT = Outcomes.from_probabilities(
    [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.4, 0.35, 0.25]], [0, 1, 2, 1], item_ids=list("abcd")
)
SCORED = Outcomes.from_probabilities(
    [[0.5, 0.3, 0.2], [0.1, 0.7, 0.2], [0.4, 0.35, 0.25], [0.4, 0.2, 0.4]], [1, 0, 0, 2], item_ids=list("efgh")
)


def two_sets(n=200, scored=200, **options):
    fitted = make_outcomes(n, 1, split="validation", group_size=1, **options)
    return fitted, make_outcomes(scored, 2, group_size=1, **options)


def members(sets):
    return [set(np.flatnonzero(row).tolist()) for row in sets]


def test_lac_by_hand():
    found = fit_conformal(FIT, "lac", alpha=0.4)
    # 1 - p of the labels: .3, .7, .9, .65.
    assert found.value == pytest.approx(0.7)
    # Probabilities of at least .3, which is included.
    assert members(found.sets(SCORED)) == [{0, 1}, {1}, {0, 1}, {0, 2}]


def test_aps_by_hand():
    found = fit_conformal(FIT, "aps", alpha=0.4, randomized=False)
    # Mass of what is likelier than the labels: 0, .5, .9, .4.
    assert found.value == 0.5
    assert members(found.sets(SCORED)) == [{0, 1}, {1}, {0, 1}, {0, 2}]


def test_raps_by_hand():
    found = fit_conformal(FIT, "raps", alpha=0.4, randomized=False, k_reg=1, penalty=0.2)
    # As aps, plus .2 for rank 2 and .4 for rank 3: 0, .7, 1.3, .6.
    assert found.value == pytest.approx(0.7)
    # The last two share rank 2, and cost .2 both.
    assert members(found.sets(SCORED)) == [{0, 1}, {1}, {0, 1}, {0, 2}]
    without_regularising = fit_conformal(FIT, "raps", alpha=0.4, randomized=False, k_reg=3, penalty=0.2)
    assert without_regularising.value == 0.5


def test_adaptive_scores_by_hand():
    probabilities = [[0.3, 0.5, 0.2], [0.4, 0.2, 0.4]]
    np.testing.assert_allclose(adaptive_scores(probabilities, [0.5, 0.25]), [[0.65, 0.25, 0.9], [0.2, 0.85, 0.2]])
    np.testing.assert_allclose(
        adaptive_scores(probabilities, [0.5, 0.25], k_reg=1, penalty=0.1), [[0.75, 0.25, 1.1], [0.3, 1.05, 0.3]]
    )
    np.testing.assert_allclose(
        adaptive_scores(probabilities, [0.5, 0.25], k_reg=2, penalty=0.1), [[0.65, 0.25, 1.0], [0.2, 0.95, 0.2]]
    )


@given(outcomes(), st.floats(0, 1), st.integers(0, 3), st.sampled_from([0.0, 0.25]))
def test_adaptive_scores_are_sums_over_likelier_classes(found, part, k_reg, penalty):
    p = found.probabilities
    scores = adaptive_scores(p, np.full(len(found), part), k_reg, penalty)
    for row in range(len(found)):
        for k in range(found.classes):
            likelier, equal = p[row] > p[row, k], p[row] == p[row, k]
            excess = max(0, likelier.sum() + equal.sum() - k_reg)
            expected = p[row][likelier].sum() + part * p[row][equal].sum() + penalty * excess
            assert scores[row, k] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("percent", [1, 5, 10, 29, 50, 57, 90, 99])
def test_the_rank_of_the_quantile_is_exact(percent):
    for n in range(1, 120):
        rank = math.ceil((n + 1) * (1 - Fraction(percent, 100)))
        found = conformal_quantile(np.arange(n, 0, -1), percent / 100)
        assert found == (rank if rank <= n else math.inf)


def test_an_alpha_of_almost_1_takes_the_smallest_score():
    assert conformal_quantile([3.0, 1.0, 2.0], 1 - 1e-15) == 1


@pytest.mark.parametrize("method", METHODS)
def test_too_small_a_fit_set_excludes_nothing(method):
    fitted, scored = two_sets(1, 20)
    found = fit_conformal(fitted, method)
    assert found.value == math.inf
    assert found.sets(scored).all()
    assert fit_conformal(fitted, method, alpha=0.5).value < math.inf


@pytest.mark.parametrize("method", METHODS)
def test_the_marginal_coverage_is_what_exchangeability_promises(method):
    draws, n, scored = 1000, 200, 50
    generator = np.random.default_rng(0)
    shape = (draws, n + scored)
    probabilities = generator.dirichlet([2, 1, 0.5], shape).reshape(-1, 3)
    # Labels that the probabilities describe badly: the promise does not depend on them.
    truth = 0.3 * probabilities + 0.7 * probabilities[:, ::-1] ** 2
    labels = (truth.cumsum(axis=1) < generator.random((len(truth), 1)) * truth.sum(axis=1, keepdims=True)).sum(axis=1)
    if method == "lac":
        scores = 1 - probabilities
    else:
        penalty = 0.05 if method == "raps" else 0.0
        scores = adaptive_scores(probabilities, generator.random(len(labels)), 1, penalty)
    values = scores[np.arange(len(labels)), labels].reshape(shape)
    thresholds = np.array([conformal_quantile(row[:n], 0.1) for row in values])
    coverage = (values[:, n:] <= thresholds[:, None]).mean(axis=1)
    # 181 of 201 without ties, so between .9 and .9 + 1/201; an error of one rank would be nine standard errors.
    error = coverage.std() / math.sqrt(draws)
    assert error < 0.005 / 3
    assert abs(coverage.mean() - 181 / 201) < 3.5 * error


@pytest.mark.parametrize(("method", "randomized"), [("lac", True), ("aps", True), ("aps", False), ("raps", True)])
def test_sets_cover_other_items_of_the_same_kind_and_fewer_after_a_shift(method, randomized):
    fitted, scored = two_sets(1500, 1500)
    found = fit_conformal(fitted, method, randomized=randomized)
    # Five standard errors of the coverage of 1,500 by 1,500.
    assert abs(evaluate(found.sets(scored), scored, 0.1).gap) < 5 * math.sqrt(2 * 0.09 / 1500)
    shifted = make_outcomes(1500, 2, temperature=4)
    assert evaluate(found.sets(shifted), shifted, 0.1).gap > 0.1


def test_without_draws_a_good_model_covers_as_much_as_it_is_right():
    fitted, scored = (
        Outcomes.from_logits(np.eye(3)[labels] * 4.0, answers, item_ids=[f"{name}{row}" for row in range(100)])
        for name in ("fit ", "score ")
        for labels in [np.arange(100) % 3]
        for answers in [np.where(np.arange(100) < 5, (labels + 1) % 3, labels)]
    )
    plain, drawn = (fit_conformal(fitted, "aps", randomized=randomized) for randomized in (False, True))
    assert plain.value == 0
    assert evaluate(plain.sets(scored), scored, 0.1).coverage == 0.95
    assert evaluate(drawn.sets(scored), scored, 0.1).coverage < 0.95


@given(outcomes(max_classes=3), outcomes(max_classes=3), st.sampled_from([0.05, 0.3, 0.6]))
def test_sets_without_draws_are_never_empty_under_aps(fitted, scored, alpha):
    ids = {name: np.char.add("fit ", getattr(fitted, name)) for name in ("item_ids", "group_ids")}
    fitted = dataclasses.replace(fitted, **ids)
    if fitted.classes == scored.classes:
        assert fit_conformal(fitted, "aps", alpha, randomized=False).sets(scored).any(axis=1).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_higher_alpha_gives_subsets(method):
    fitted, scored = two_sets()
    larger, smaller = (fit_conformal(fitted, method, alpha).sets(scored) for alpha in (0.1, 0.3))
    assert (smaller <= larger).all()
    assert smaller.sum() < larger.sum()


def test_raps_without_penalty_is_aps_and_with_one_has_fewer_large_sets():
    fitted, scored = two_sets(classes=20)
    aps = fit_conformal(fitted, "aps").sets(scored)
    assert np.array_equal(fit_conformal(fitted, "raps", penalty=0).sets(scored), aps)
    raps = fit_conformal(fitted, "raps", k_reg=3, penalty=0.2).sets(scored)
    assert raps.sum(axis=1).max() < aps.sum(axis=1).max()


@pytest.mark.parametrize("method", METHODS)
def test_neither_order_nor_company_nor_class_names_change_a_set(method):
    fitted, scored = two_sets(60, 40)
    sets = fit_conformal(fitted, method).sets(scored)
    generator = np.random.default_rng(0)
    turned = fit_conformal(fitted.take(generator.permutation(60)), method)
    some = generator.permutation(40)[:25]
    assert np.array_equal(turned.sets(scored.take(some)), sets[some])
    order = np.array([2, 0, 1])
    renamed = [
        dataclasses.replace(
            each, probabilities=each.probabilities[:, order], labels=np.argsort(order)[each.labels], posterior=None
        )
        for each in (fitted, scored)
    ]
    assert np.array_equal(fit_conformal(renamed[0], method).sets(renamed[1]), sets[:, order])


def test_tied_classes_enter_together():
    tied = Outcomes.from_probabilities(np.full((50, 3), 1 / 3), np.arange(50) % 3)
    for method in METHODS:
        sizes = fit_conformal(FIT, method, alpha=0.4).sets(tied).sum(axis=1)
        assert set(sizes.tolist()) <= {0, 3}


def test_tied_scores_are_all_let_in():
    # Half the fit set scores .5, and so does the scored item.
    fitted = Outcomes.from_probabilities([[0.5, 0.5]] * 4, [0, 1, 0, 1], item_ids=list("abcd"))
    scored = Outcomes.from_probabilities([[0.5, 0.5], [0.4, 0.6]], [0, 0], item_ids=list("ef"))
    assert members(fit_conformal(fitted, "lac", alpha=0.5).sets(scored)) == [{0, 1}, {1}]


def test_draws_are_uniform_and_belong_to_the_item():
    certain = Outcomes.from_probabilities([[1.0, 0.0]] * 2000, [0] * 2000)
    draws = SetRule("aps").scores(certain)[:, 0]
    assert kstest(draws, "uniform").pvalue > 0.01
    assert np.array_equal(SetRule("aps").scores(certain.take(np.array([7, 3])))[:, 0], draws[[7, 3]])
    assert len(set(draws.tolist())) == 2000


def test_evaluation_by_hand():
    found = Outcomes.from_probabilities(np.tile([0.5, 0.3, 0.1, 0.1], (6, 1)), [0, 0, 1, 1, 1, 2])
    sets = [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]
    scores = evaluate(sets, found, alpha=0.2)
    assert scores.coverage == pytest.approx(3 / 6)
    assert scores.gap == pytest.approx(0.3)
    assert scores.mean_size == pytest.approx(8 / 6)
    assert scores.by_size == {0: Stratum(1, 0.0), 1: Stratum(2, 0.5), 2: Stratum(3, 2 / 3)}
    assert scores.worst == 0.5
    assert scores.by_class[:3] == (0.5, pytest.approx(2 / 3), 0.0)
    assert math.isnan(scores.by_class[3])
    assert scores.empty == pytest.approx(1 / 6)


def test_nothing_but_empty_sets_has_no_worst_size():
    scores = evaluate(np.zeros((4, 3), np.bool_), SCORED, alpha=0.1)
    assert (scores.coverage, scores.empty, scores.mean_size) == (0, 1, 0)
    assert math.isnan(scores.worst)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "top"}, "Got method='top', but prediction sets are made by lac, aps, raps."),
        ({"alpha": 0}, "Got alpha=0, but a miscoverage lies between 0 and 1, both excluded."),
        ({"alpha": 1.0}, "Got alpha=1.0, but a miscoverage lies between 0 and 1, both excluded."),
        ({"alpha": math.nan}, "Got alpha=nan, but a miscoverage lies between 0 and 1, both excluded."),
        ({"k_reg": -1}, "Got k_reg=-1, but a set size that is not penalised is at least 0."),
        ({"penalty": -0.1}, "Got penalty=-0.1, but a penalty is a finite number of at least 0."),
        ({"penalty": math.inf}, "Got penalty=inf, but a penalty is a finite number of at least 0."),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(BadInput) as caught:
        fit_conformal(FIT, **{"method": "raps", **arguments})
    assert str(caught.value) == message


def test_groups_of_the_fit_set_are_refused():
    fitted = fit_conformal(make_outcomes(30), "lac")
    with pytest.raises(BadInput, match="in both the fit and the score set, such as 'test-0'"):
        fitted.sets(make_outcomes(60))


def test_another_number_of_classes_is_refused():
    with pytest.raises(BadInput) as caught:
        fit_conformal(FIT, "lac").sets(make_outcomes(5, classes=4))
    assert str(caught.value) == "Got 4 classes, but the threshold was fitted on 3; fit it on the same task."


def test_sets_of_other_outcomes_are_refused():
    with pytest.raises(BadInput) as caught:
        evaluate(np.ones((2, 3)), SCORED, 0.1)
    assert str(caught.value) == (
        "Got sets of shape (2, 3) for 4 items of 3 classes; make the sets from the same outcomes."
    )
