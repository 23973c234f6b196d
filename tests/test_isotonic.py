import numpy as np

from bench.calibration.calibrators.isotonic import fit
from bench.calibration.outcomes import Outcomes
from tests.prediction_factory import make_outcomes


def two_classes(scores, labels):
    scores = np.asarray(scores)
    return Outcomes.from_probabilities(np.column_stack([1 - scores, scores]), labels)


def mixed(chances, n):
    return np.asarray(chances) * n / (n + 1) + 1 / (2 * (n + 1))


def test_neighbours_that_fall_are_pooled():
    found = two_classes([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    np.testing.assert_allclose(fit(found).apply(found).probabilities[:, 1], mixed([0, 0.5, 0.5, 1], 4))


def test_equal_scores_get_one_chance_the_mean_of_their_labels():
    found = two_classes([0.1, 0.2, 0.2, 0.2, 0.4], [0, 1, 0, 0, 1])
    np.testing.assert_allclose(fit(found).apply(found).probabilities[:, 1], mixed([0, 1 / 3, 1 / 3, 1 / 3, 1], 5))


def test_between_scores_it_is_linear_and_outside_constant():
    fitted = fit(two_classes([0.2, 0.4], [0, 1]))
    after = fitted.apply(two_classes([0.0, 0.2, 0.25, 0.4, 0.9], [0] * 5))
    np.testing.assert_allclose(after.probabilities[:, 1], mixed([0, 0, 0.25, 1, 1], 2))


def test_anti_correlated_data_give_the_frequency_of_the_class():
    found = two_classes([0.1, 0.2, 0.3, 0.4], [1, 1, 1, 0])
    np.testing.assert_allclose(fit(found).apply(found).probabilities[:, 1], mixed(0.75, 4))


def test_of_two_classes_either_gives_the_same_map():
    found = make_outcomes(300, classes=2, temperature=2)
    fitted = fit(found)
    first = np.interp(found.probabilities[:, 0], fitted.scores[0], fitted.chances[0])
    second = np.interp(found.probabilities[:, 1], fitted.scores[1], fitted.chances[1])
    np.testing.assert_allclose(first + second, 1, atol=1e-9)


def test_the_chances_rise_with_the_scores():
    fitted = fit(make_outcomes(300, temperature=3))
    for scores, chances in zip(fitted.scores, fitted.chances, strict=True):
        assert (np.diff(scores) > 0).all()
        assert (np.diff(chances) >= 0).all()
        assert chances[0] < chances[-1]


def test_parameters_are_the_knots_of_each_class():
    fitted = fit(two_classes([0.25, 0.5], [0, 1]))
    assert fitted.parameters() == {"scores": [[0.5, 0.75], [0.25, 0.5]], "chances": [[0.0, 1.0], [0.0, 1.0]]}
