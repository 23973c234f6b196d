"""Binned calibration errors: functions of the sums over bins, and of the arrays these are made from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr

from bench.calibration.arrays import FloatArray, as_array, as_floats
from bench.calibration.binning import Binning, BinSums, added, bin_sums, equal_mass, equal_width
from bench.calibration.metric import ALL, MOST_CLASSES, UNSTREAMED, BinnedMetric
from bench.calibration.validation import check_pairs, check_weights
from bench.errors import BadInput

BINS = 15
# Items that fit in a processor's cache with all that is computed of them.
CHUNK = 1 << 15
# Nixon et al. 2019 leave out probabilities below one in a hundred.
TACE_THRESHOLD = 0.01

WIDTH = Binning("confidence", "width", BINS)
MASS = Binning("confidence", "mass", BINS)


def ece(sums: BinSums) -> FloatArray:
    """Return the plug-in expected calibration error, sum over bins of n_b/n |accuracy - confidence|, in [0, 1].

    Naeini et al. 2015, Guo et al. 2017. Biased upwards: read it beside its floor (bench.calibration.consistency).
    """
    error: FloatArray = np.abs(sums.confidence - sums.correct).sum(axis=-1) / sums.count.sum(axis=-1)
    return error


def mce(sums: BinSums) -> FloatArray:
    """Return the largest |accuracy - confidence| of any bin that holds an item (Naeini et al. 2015), in [0, 1].

    There is no least bin size, so that it is never below the ECE; one item alone in its bin may decide it.
    """
    error: FloatArray = (np.abs(sums.confidence - sums.correct) / _filled(sums)).max(axis=-1)
    return error


def rmsce(sums: BinSums) -> FloatArray:
    """Return the root of sum over bins of n_b/n (accuracy - confidence)^2, plug-in (Nguyen and O'Connor 2015)."""
    squares = (sums.confidence - sums.correct) ** 2 / _filled(sums)
    error: FloatArray = np.sqrt(squares.sum(axis=-1) / sums.count.sum(axis=-1))
    return error


def overconfidence_error(sums: BinSums) -> FloatArray:
    """Return sum over bins of n_b/n confidence max(confidence - accuracy, 0) (Thulasidasan et al. 2019), in [0, 1]."""
    excess = np.maximum(sums.confidence - sums.correct, 0)
    error: FloatArray = (sums.confidence / _filled(sums) * excess).sum(axis=-1) / sums.count.sum(axis=-1)
    return error


def squared_debiased_l2(sums: BinSums) -> FloatArray:
    """Return sum over bins of n_b/n [(accuracy - confidence)^2 - accuracy (1 - accuracy) / (n_b - 1)], unclipped.

    Kumar, Liang and Ma 2019 (Broecker 2012; Ferro and Fricker 2012): 0 on average under perfect calibration of
    independent items that share a confidence within each bin, so it may be negative; confidences that vary by v within
    a bin lower it by v / (n_b - 1), a hundredth of its spread. Bins with fewer than 2 items add 0; nan when there is no
    other bin.
    """
    usable = sums.count >= 2
    count = np.where(usable, sums.count, 2.0)
    accuracy = sums.correct / count
    bias = accuracy * (1 - accuracy) / (count - 1)
    terms = np.where(usable, count * ((sums.confidence / count - accuracy) ** 2 - bias), 0.0)
    error: FloatArray = np.where(usable.any(axis=-1), terms.sum(axis=-1) / sums.count.sum(axis=-1), np.nan)
    return error


def root_debiased_l2(sums: BinSums) -> FloatArray:
    """Return the root of `squared_debiased_l2`, 0 where that is negative: for display, since its mean is never 0."""
    error: FloatArray = np.sqrt(np.maximum(squared_debiased_l2(sums), 0))
    return error


def debiased_l1(sums: BinSums) -> FloatArray:
    """Return the ECE minus its expected inflation: 2 ECE - E[ECE when accuracy_b ~ N(accuracy_b, its variance)].

    Kumar, Liang and Ma 2019 (their L1 estimator) resample the normal; here its mean absolute value is computed exactly.
    May be negative. What remains under perfect calibration is still 2 - sqrt 2 of the plug-in's floor, so it has one.
    """
    count = _filled(sums)
    accuracy = sums.correct / count
    distance = np.abs(sums.confidence / count - accuracy)
    inflated = _folded_normal_mean(distance, np.sqrt(np.maximum(accuracy * (1 - accuracy), 0) / count))
    error: FloatArray = (sums.count * (2 * distance - inflated)).sum(axis=-1) / sums.count.sum(axis=-1)
    return error


def classwise(sums: BinSums) -> FloatArray:
    """Return the mean over classes of the ECE of p_k against k being the label (Kull et al. 2019; SCE, Nixon 2019)."""
    error: FloatArray = ece(sums).mean(axis=-1)
    return error


def by_answer(sums: BinSums) -> FloatArray:
    """Return sum over classes k of P(answer = k) times the ECE given answer k (top-label; Gupta and Ramdas 2022)."""
    distances, count = np.abs(sums.confidence - sums.correct).sum(axis=(-1, -2)), sums.count.sum(axis=(-1, -2))
    error: FloatArray = np.where(count > 0, distances / np.where(count > 0, count, 1.0), np.nan)
    return error


def adaptive(sums: BinSums) -> FloatArray:
    """Return the mean over classes and their filled ranges of |accuracy - confidence| (ACE, TACE; Nixon et al. 2019).

    Ranges count alike, whatever they hold. A class without a filled range (all its entries are below the threshold) is
    left out; with ties a class has fewer ranges. nan when no class has any.
    """
    filled = sums.count > 0
    distances = (np.abs(sums.confidence - sums.correct) / _filled(sums)).sum(axis=-1)
    ranges = filled.sum(axis=-1)
    classes = (ranges > 0).sum(axis=-1)
    total = (distances / np.maximum(ranges, 1)).sum(axis=-1)
    error: FloatArray = np.where(classes > 0, total / np.maximum(classes, 1), np.nan)
    return error


def expected_calibration_error(
    confidence: Any, correct: Any, bins: int = BINS, weights: Any = None, scheme: Literal["width", "mass"] = "width"
) -> float:
    """Return the plug-in calibration error over `bins` right-closed bins of equal width or mass; arrays are (n,).

    Takes numpy, lists or torch tensors; `weights` are frequencies.
    """
    schemes = {"width": width_sums, "mass": mass_sums}
    if scheme not in schemes:
        raise BadInput(f"Got scheme={scheme!r}, but bins are of equal {' or '.join(schemes)}.")
    return float(ece(schemes[scheme](confidence, correct, bins, weights)))


def squared_calibration_error(confidence: Any, correct: Any, bins: int = BINS, weights: Any = None) -> float:
    """Return the squared debiased L2 calibration error over `bins` bins of equal mass; arrays as above."""
    return float(squared_debiased_l2(mass_sums(confidence, correct, bins, weights)))


def mass_sums(confidence: Any, correct: Any, bins: int, weights: Any = None) -> BinSums:
    """Return the (bins,) sums over bins of equal mass."""
    sure, right = as_floats(confidence), as_floats(correct)
    weight = None if weights is None else as_floats(weights)
    check_pairs(sure, right, weight)
    return bin_sums(equal_mass(sure, bins, weight), bins, sure, right, weight)


def width_sums(confidence: Any, correct: Any, bins: int, weights: Any = None) -> BinSums:
    """Return the (bins,) sums over bins of equal width, in one pass whose memory does not grow with n."""
    columns = [as_array(each) for each in (confidence, correct, weights) if each is not None]
    if len({column.shape for column in columns}) > 1 or not columns[0].size:
        check_pairs(*(as_floats(column) for column in columns))
    if weights is not None:
        check_weights(as_floats(weights), len(columns[0]))
    sums = BinSums(*(np.zeros(bins) for _ in range(3)))
    for start in range(0, len(columns[0]), CHUNK):
        sure, right, *weight = (as_floats(column[start : start + CHUNK]) for column in columns)
        check_pairs(sure, right)
        sums = added(sums, bin_sums(equal_width(sure, bins), bins, sure, right, *weight))
    return sums


def _filled(sums: BinSums) -> FloatArray:
    """Return the counts with 1 in place of 0: the sums of an empty bin are 0, and so is their quotient."""
    return np.where(sums.count > 0, sums.count, 1.0)


def _folded_normal_mean(mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return E|X| for X ~ N(mean, deviation^2), mean >= 0."""
    spread = np.where(deviation > 0, deviation, 1.0)
    ratio = mean / spread
    folded = spread * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + mean * (1 - 2 * ndtr(-ratio))
    expected: FloatArray = np.where(deviation > 0, folded, mean)
    return expected


def _plug_in(
    name: str,
    title: str,
    symbol: str,
    binning: Binning,
    formula: Callable[[BinSums], FloatArray],
) -> BinnedMetric:
    return BinnedMetric(
        name=name,
        title=f"{title} ({binning.name})",
        symbol=symbol,
        better="lower",
        low=0.0,
        high=1.0,
        needs="confidence" if binning.of == "confidence" else "probabilities",
        holds=ALL if binning.scheme == "width" else UNSTREAMED,
        interval="basic",
        contrast=False,
        most_classes=math.inf if binning.of in ("confidence", "posterior") else MOST_CLASSES,
        binning=binning,
        formula=formula,
    )


TRUE_ECE = replace(
    _plug_in(
        "true_ece15",
        "True calibration error over bins, of the known chance of being right",
        "ECE*",
        Binning("posterior", "width", BINS),
        ece,
    ),
    needs="posterior",
    interval="percentile",
    contrast=True,
)
_CLASSES_WIDTH = Binning("classes", "width", BINS)
_CLASSES_MASS = Binning("classes", "mass", BINS)
_CLASSES_ABOVE = Binning("classes", "mass", BINS, threshold=TACE_THRESHOLD)
_ANSWERS = Binning("answers", "width", BINS)

ECE = _plug_in("ece15", "Expected calibration error", "ECE", WIDTH, ece)
ECE_MASS = _plug_in("ece15_mass", "Expected calibration error", "ECEm", MASS, ece)
MCE = _plug_in("mce15", "Maximum calibration error", "MCE", WIDTH, mce)
RMSCE = _plug_in("rmsce15", "Root mean squared calibration error", "RMSCE", WIDTH, rmsce)
OVERCONFIDENCE = _plug_in("oe15", "Over-confidence error", "OE", WIDTH, overconfidence_error)
L2 = BinnedMetric(
    name="l2sq15",
    title=f"Squared debiased L2 calibration error ({MASS.name})",
    symbol="L2²",
    better="lower",
    # Two items at confidence 1/2, one right and one wrong: 0 - .25 / 1.
    low=-0.25,
    high=1.0,
    holds=UNSTREAMED - {"duplication"},
    # With more items than bins some bin holds two.
    defined=lambda outcomes: len(outcomes) > BINS,
    interval="centred",
    binning=MASS,
    formula=squared_debiased_l2,
)
L2_ROOT = replace(
    _plug_in("l2_15", "Root of the squared debiased L2 error, for display", "L2", MASS, root_debiased_l2),
    holds=L2.holds,
    defined=L2.defined,
)
L1 = replace(
    _plug_in("l1db15", "Debiased L1 calibration error", "L1", MASS, debiased_l1),
    # One item at confidence 1/2 that is right in half of its ties: 0 - .5 sqrt(2 / pi).
    low=-0.4,
    holds=L2.holds,
)
CLASSWISE = _plug_in("cwece15", "Classwise calibration error", "cwECE", _CLASSES_WIDTH, classwise)
BY_ANSWER = replace(
    _plug_in("tlece15", "Top-label-conditional calibration error", "tlECE", _ANSWERS, by_answer),
    # Words that were cut off have no answer.
    defined=lambda outcomes: bool(outcomes.top.any()),
)
ACE = _plug_in("ace15", "Adaptive calibration error", "ACE", _CLASSES_MASS, adaptive)
TACE = _plug_in("tace15", "Thresholded adaptive calibration error", "TACE", _CLASSES_ABOVE, adaptive)
