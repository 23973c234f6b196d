"""Maps that are affine in logits or log probabilities: vector and matrix scaling, and Dirichlet calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bench.calibration.arrays import FloatArray, log_softmax
from bench.calibration.calibrators.calibration_map import Parameters, floored_logs, weighted
from bench.calibration.calibrators.softmax_regression import SoftmaxRegression
from bench.calibration.outcomes import Outcomes

Token: TypeAlias = Literal["vs", "ms", "dir"]

# What holds every entry near the identity map, so that separable data leave the answer finite: a normal prior with a
# standard deviation of 10. Against n items its say is of the order of 1/n.
RIDGE = 0.01
# ODIR as normal priors: variances of intercepts, and of entries off the diagonal times the number of classes, so that
# what a row of them adds up to does not grow with it.
INTERCEPT_VARIANCE, OFF_DIAGONAL_VARIANCE = 0.1, 0.03


@dataclass(frozen=True, slots=True)
class Affine:
    """softmax(matrix x + intercept), where x is ln p, or ln p minus its mean over the classes where `centred`.

    matrix: (K, K); intercept: (K,).
    """

    matrix: FloatArray
    intercept: FloatArray
    centred: bool

    def apply(self, outcomes: Outcomes) -> Outcomes:
        """Return `outcomes` with the map's probabilities; the answers may change."""
        features = _features(outcomes, self.centred)
        return outcomes.with_new_answers(log_softmax(features @ self.matrix.T + self.intercept))

    def parameters(self) -> Parameters:
        """Return the matrix, row by row, and the intercept."""
        return {"matrix": self.matrix.tolist(), "intercept": self.intercept.tolist()}


def fit_vector_scaling(outcomes: Outcomes, weights: FloatArray | None = None) -> Affine:
    """Return vector scaling (Guo et al. 2017): a scale and a bias for each class. `weights` (n,) are frequencies.

    Softmax does not see a shift of a row of logits, but a map with a scale for each class does. So that it depends on
    the probabilities alone, logits are taken with mean 0 in each row: rows that differ by a shift are one input.
    """
    return _fit("vs", outcomes, weights)


def fit_matrix_scaling(outcomes: Outcomes, weights: FloatArray | None = None) -> Affine:
    """Return matrix scaling (Guo et al. 2017) with ODIR (Kull et al. 2019), on logits as for vector scaling."""
    return _fit("ms", outcomes, weights)


def fit_dirichlet(outcomes: Outcomes, weights: FloatArray | None = None) -> Affine:
    """Return Dirichlet calibration, softmax(W ln p + b), with ODIR (Kull et al. 2019, linear parametrisation)."""
    return _fit("dir", outcomes, weights)


def problem(token: Token, outcomes: Outcomes, weights: FloatArray) -> SoftmaxRegression:
    """Return the convex problem whose minimum is the map; `weights` (n,) > 0.

    F = sum_i w_i NLL_i + RIDGE/2 * squared distance from the identity map, and for "ms" and "dir" ODIR: the sum of
    squares off the diagonal, times K / (2 * OFF_DIAGONAL_VARIANCE), and of the intercepts, over 2 * INTERCEPT_VARIANCE.
    Kull et al. 2019 weight these by lambda / (K(K-1)) and mu / K beside the mean NLL and search for lambda and mu by
    cross-validation, which a bootstrap has no time for; here they follow from the size of the fit set n:
    lambda = K^2 (K-1) / (2 n OFF_DIAGONAL_VARIANCE) and mu = K / (2 n INTERCEPT_VARIANCE).

    The identity map pays no penalty, so the NLL of the fit set never rises. Where the data say little (n = 1, a class
    that is missing, equal rows) the map stays near the identity; separable and anti-correlated data give large, finite
    entries.
    """
    features = _features(outcomes, token != "dir").T
    ones = np.ones_like(features)
    if token == "vs":
        own = np.stack([features, ones], axis=1)
        identity = np.tile([1.0, 0.0], (len(features), 1))
        return SoftmaxRegression(own, outcomes.labels, weights, identity, np.full_like(identity, RIDGE))
    identity = np.eye(len(features), len(features) + 1)
    return SoftmaxRegression(np.vstack([features, ones[:1]]), outcomes.labels, weights, identity, _odir(identity))


def _fit(token: Token, outcomes: Outcomes, weights: FloatArray | None) -> Affine:
    used, weights = weighted(outcomes, weights)
    found = problem(token, used, weights).minimum()
    matrix = np.diag(found[:, 0]) if token == "vs" else found[:, :-1]
    return Affine(matrix, found[:, -1], centred=token != "dir")


def _odir(identity: FloatArray) -> FloatArray:
    penalty = np.where(identity > 0, RIDGE, RIDGE + len(identity) / OFF_DIAGONAL_VARIANCE)
    penalty[:, -1] = RIDGE + 1 / INTERCEPT_VARIANCE
    return penalty


def _features(outcomes: Outcomes, centred: bool) -> FloatArray:
    logs = floored_logs(outcomes.log_probabilities)
    return logs - logs.mean(axis=1, keepdims=True) if centred else logs
