"""Hypothesis strategies shared by the tests."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from bench.calibration.outcomes import Outcomes
from bench.predictions import Predictions


@st.composite
def outcomes(draw, max_items=40, max_classes=5):
    """Outcomes with rational probabilities, so that bin edges, ties and certainty are hit exactly."""
    items, classes = draw(st.integers(1, max_items)), draw(st.integers(2, max_classes))
    # Divisors of 30 put many quotients on the edges of 10 and 15 bins.
    total = draw(st.sampled_from([2, 3, 5, 6, 10, 15, 30]))
    rows = [
        _composition(draw(st.lists(st.integers(0, total), min_size=classes - 1, max_size=classes - 1)), total)
        for _ in range(items)
    ]
    probabilities = np.array(rows, dtype=np.float64) / total
    labels = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=items, max_size=items)))
    highest = probabilities == probabilities.max(axis=1, keepdims=True)
    groups = draw(st.lists(st.integers(0, max(1, items // 2)), min_size=items, max_size=items))
    return Outcomes(
        probabilities=probabilities,
        # Certainty that is wrong must cost something finite, as it does with finite logits.
        log_probabilities=np.log(np.maximum(probabilities, 1e-300)),
        labels=labels,
        top=highest / highest.sum(axis=1, keepdims=True),
        item_ids=np.array([f"i{row}" for row in range(items)]),
        group_ids=np.array([f"g{group}" for group in groups]),
        posterior=probabilities[:, ::-1] if draw(st.booleans()) else None,
    )


@st.composite
def predictions(draw, max_items=40, max_classes=5, split="test"):
    """Predictions with float32 logits, among them ties, huge values and equal rows."""
    items, classes = draw(st.integers(1, max_items)), draw(st.integers(2, max_classes))
    logit = st.one_of(
        st.integers(-3, 3).map(float),
        st.floats(-30, 30, width=32, allow_subnormal=False),
        st.sampled_from([-1e30, 1e30, 800.0]),
    )
    rows = draw(st.lists(st.lists(logit, min_size=classes, max_size=classes), min_size=items, max_size=items))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=items, max_size=items))
    size = draw(st.integers(1, 3))
    return Predictions(
        item_ids=np.array([f"{split}-{row}" for row in range(items)]),
        group_ids=np.array([f"{split}-{row // size}" for row in range(items)]),
        labels=np.array(labels, dtype=np.int64),
        logits=np.array(rows, dtype=np.float32),
    )


def _composition(cuts, total):
    edges = [0, *sorted(cuts), total]
    return [high - low for low, high in pairwise(edges)]
