"""Hypothesis strategies shared by the tests."""

import copy
import json
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


# JSON's own text in place of a value: what no Python value is written as.
_RAW = (
    "NaN", "-Infinity", "1e999", "-1e999", "9" * 400, "9" * 5000, "-0", "1E400", '"\\ud800"', '"\\udfff\\ud800"',
    "[" * 60 + "]" * 60, "[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, '{"a": 1, "a": 2}', "tru",
    "",
)  # fmt: skip
_HOSTILE = (
    None, True, False, 0, -1, 1, 2, 2**31, 2**53, -(2**63), 2**63 - 1, 0.5, -0.0, 1e-320, 1e39, 1e308, -1e308, "",
    "x" * 5000, "\0", "\x1b[31m", "a|b\n", "../../x", "/etc/passwd", "C:\\x", "\u202e", "real", "w0", "w" + "9" * 40,
    "none", [], [None], [[]], [""], {}, {"": None}, {"value": None}, {"value": "x"}, {"value": [1.0]},
    {"a": {"b": {"c": []}}},
)  # fmt: skip
_NAMES = ("value", "low", "floor", "schema", "path", "sha256", "files", "views", "baseline", "flags", "__class__", "")


def damaged(valid):
    """Bytes near to `valid`: flipped, cut, put in, taken out, repeated."""
    place = st.integers(0, len(valid))
    size = st.sampled_from([1, 2, 3, 4, 7, 8, 16, 64, 1000])
    edits = st.one_of(
        st.tuples(st.just("flip"), place, st.integers(1, 255)),
        st.tuples(st.just("cut"), place, st.just(0)),
        st.tuples(st.just("put"), place, st.binary(min_size=1, max_size=8)),
        st.tuples(
            st.just("put"), place, st.sampled_from([b"\0" * 64, b"\xff" * 8, b"\xed\xa0\x80", b'"', b"\\", b"\n"])
        ),
        st.tuples(st.just("take"), place, size),
        st.tuples(st.just("repeat"), place, size),
    )
    return st.lists(edits, min_size=1, max_size=4).map(lambda several: _edited(valid, several))


def _edited(content, edits):
    for edit, place, what in edits:
        head, tail = content[:place], content[place:]
        if edit == "flip" and tail:
            content = head + bytes([tail[0] ^ what]) + tail[1:]
        elif edit == "cut":
            content = head
        elif edit == "put":
            content = head + what + tail
        elif edit == "take":
            content = head + tail[what:]
        elif edit == "repeat":
            content = head + tail[:what] + tail
    return content


@st.composite
def other_json(draw, valid):
    """JSON text near to the value `valid`: some of its values replaced, dropped, added, repeated or moved."""
    value = copy.deepcopy(valid)
    raw = {}
    for number in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            break
        inside, key = draw(st.sampled_from(places))
        what = draw(st.sampled_from(["replace", "replace", "draw", "raw", "drop", "add", "move"]))
        new = _replacement(draw, what, places, raw, number)
        if what == "drop":
            del inside[key]
        elif what == "add" and isinstance(inside, dict):
            inside[draw(st.sampled_from(_NAMES) | st.text(max_size=3))] = new
        elif what == "add":
            inside.append(new)
        else:
            inside[key] = new
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    for mark, spelled in raw.items():
        text = text.replace(json.dumps(mark), spelled)
    return text.encode(errors="surrogatepass")


def _replacement(draw, what, places, raw, number):
    if what == "raw":
        mark = f"raw {number}"
        raw[mark] = draw(st.sampled_from(_RAW))
        return mark
    if what == "draw":
        return draw(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20))
    if what == "move":
        inside, key = draw(st.sampled_from(places))
        return copy.deepcopy(inside[key])
    return copy.deepcopy(draw(st.sampled_from(_HOSTILE)))


def _places(value):
    """Yield (container, key) of every value in a tree."""
    waiting = [value]
    for inside in waiting:
        keys = list(inside) if isinstance(inside, dict) else range(len(inside)) if isinstance(inside, list) else ()
        for key in keys:
            yield inside, key
            waiting.append(inside[key])


HOSTILE_TEXTS = (
    "\x1b[2J\x1b[31mred", "a\0b", "a|b|c", "a\\|b\\\\|", "a\nb\r\nc\u2028d\x85e", "`|`", "``` \n",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td></tr>", "<!-- ", "[x](javascript:alert(1))",
    "![](http://x)", "![x][y]", "[x]: http://x", "<javascript:alert(1)>", "javascript:alert(1)", "<http://x>",
    "http://x/|y", "https://x", "www.x.com", "\u202eevil\u2066", "&lt;script&gt;", "&#60;b&#62;", "| --- |", "---",
    "# x", "- x", "1. x", "> x", "***x***", "~~x~~", "_x_", "$x$", "\ud800", "\\", "\\<b>", "a &#124; b", "\t|",
    "\u200b", "=1+1",
)  # fmt: skip
# Text that would break out of a report if it could: single tricks, and sequences of them.
hostile_text = (
    st.lists(st.sampled_from(HOSTILE_TEXTS) | st.text(max_size=6), min_size=1, max_size=4).map("".join).filter(bool)
)


@st.composite
def trajectories(draw, points=4, max_items=30):
    """Predictions for the same items at several steps of a training, as (points,) of them; logits are plain numbers."""
    items, classes = draw(st.integers(4, max_items)), draw(st.integers(2, 4))
    labels = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=items, max_size=items)), dtype=np.int64)
    seeds = draw(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=points))
    return tuple(_point(np.random.default_rng(seed), labels, classes, place) for place, seed in enumerate(seeds))


def _point(generator, labels, classes, place):
    # What was learnt grows from point to point.
    logits = generator.normal(size=(len(labels), classes)) + place * np.eye(classes)[labels]
    return Predictions(
        item_ids=np.array([f"test-{row}" for row in range(len(labels))]),
        group_ids=np.array([f"test-{row // 2}" for row in range(len(labels))]),
        labels=labels,
        logits=logits.astype(np.float32),
    )
