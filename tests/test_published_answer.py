"""The published answer, computed once more from the published rows by code that shares nothing with the package."""

import gzip
import json
import math
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

PUBLISHED = Path(__file__).parents[1] / "reports" / "published" / "2026-12-01-pocket"
# Parameters of four layers of a width: attention 4 (w^2 + w), feed-forward 8 w^2 + 5 w, two norms 4 w.
WIDTHS = {"pocket_xs": 16, "pocket_s": 48, "pocket_m": 64, "pocket_l": 96}
SIZES = {model: 4 * (12 * width**2 + 13 * width) for model, width in WIDTHS.items()}
TASKS = ("cosmosqa", "csqa", "hellaswag", "qqp", "snli")
RICH = ("agg", "fus", "int")


@pytest.fixture(scope="module")
def gaps():
    """The signed gap by world, size, intermediate task, language and seed, in percent points."""
    found = defaultdict(dict)
    lines = (
        line for file in PUBLISHED.glob("results*.jsonl.gz") for line in gzip.decompress(file.read_bytes()).split(b"\n")
    )
    for row in map(json.loads, filter(None, lines)):
        about = row["condition"]
        if row["recalibration"] == "none" and not about["variant"]:
            world, _, language = about["language"].partition("_")
            gap = 100 * row["metrics"]["gap"]["value"]
            found[world, about["model"], about["intermediate"], language][about["seed"]] = gap
    assert all(len(seeds) == 3 for seeds in found.values())
    return {key: np.mean(list(seeds.values())) for key, seeds in found.items()}


def change(gaps, world, quantity):
    """Of the least-squares line over log size, from the smallest to the largest."""
    sizes = np.log(list(SIZES.values()))
    values = [np.mean([quantity(gaps, world, model, task) for task in TASKS]) for model in SIZES]
    return np.polyfit(sizes, values, 1)[0] * (sizes[-1] - sizes[0])


def transfer(gaps, world, model, task):
    rich = np.mean([gaps[world, model, task, language] for language in RICH])
    return rich - gaps[world, model, task, "src"]


def beyond_more(gaps, world, model, task):
    return transfer(gaps, world, model, task) - transfer(gaps, world, model, "more")


def rich_less_poor(gaps, world, model, task):
    return np.mean([gaps[world, model, task, language] for language in RICH]) - gaps[world, model, task, "iso"]


QUANTITIES = {"Q1": transfer, "Q2": beyond_more, "Q3": rich_less_poor}


def test_changes_intervals_and_p_values_are_those_of_the_rows(gaps):
    page = (PUBLISHED / "answer.md").read_text()
    readme = " ".join((PUBLISHED / "README.md").read_text().replace("points (95 % ", "(").split())
    by_world = {test: [change(gaps, world, each) for world in ("w0", "w1", "w2")] for test, each in QUANTITIES.items()}
    p_values = {test: stats.ttest_1samp(values, 0).pvalue for test, values in by_world.items()}
    # Holm (1979): times 3, 2 and 1 from the smallest on, never falling.
    ordered = sorted(p_values, key=p_values.get)
    least, holm = 0.0, {}
    for place, test in enumerate(ordered):
        holm[test] = least = max(least, (3 - place) * p_values[test])
    for test, values in by_world.items():
        half = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) / math.sqrt(3)
        mean = np.mean(values)
        (line,) = re.findall(rf"^\| {test}  +\| +([-+.\d]+) \| +([-+.\d]+) to ([-+.\d]+) \| +([.\d]+) \|", page, re.M)
        expected = [f"{mean:+.1f}", f"{mean - half:+.1f}", f"{mean + half:+.1f}", f"{min(holm[test], 1):.3f}"]
        assert list(line) == expected
        assert f"{test} {expected[0]} ({expected[1]} to {expected[2]}" in readme
        assert ", ".join(f"{value:+.1f} in w{world}" for world, value in enumerate(values)) in page
