"""Random data on which libraries and this one must agree, and a classifier that hands on what it is given."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from tests.prediction_factory import make_outcomes


def cases(*settings):
    """Return a parameter (n, K, temperature) a setting: continuous data, of which none lies on an edge or ties."""
    return [
        pytest.param(make_outcomes(n, seed, classes=k, temperature=t), id=f"{n}x{k}-t{t}")
        for seed, (n, k, t) in enumerate(settings)
    ]


# Every n is a multiple of 15: then libraries agree on which bins have equal mass.
CALM = cases((90, 3, 1), (750, 3, 1), (750, 3, 2), (750, 5, 0.7), (3000, 10, 1.2), (750, 2, 1.5), (750, 2, 1))
MULTICLASS = [case for case in CALM if case.values[0].classes > 2]
BINARY = [case for case in CALM if case.values[0].classes == 2]

# How far logits of calibrated predictions are stretched, and of how many items: where implementations miss the optimum.
STRETCHED = [(1, 2000), (8, 2000), (50, 2000), (0.1, 2000), (8, 20)]


def copies(found, seed=0):
    """Return frequency weights (n,) from 0 to 3."""
    return np.random.default_rng(seed).integers(0, 4, len(found)).astype(np.float64)


def rows_of_one(probabilities):
    """Return `probabilities` with sums that are 1 to the last digit, which some libraries ask for."""
    return probabilities / probabilities.sum(axis=1, keepdims=True)


class Given(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose features are its probabilities."""

    def __init__(self, classes):
        self.classes = classes

    @property
    def classes_(self):
        return np.arange(self.classes)

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, features, labels):
        return self

    def predict_proba(self, features):
        return features

    def predict(self, features):
        return features.argmax(axis=1)
