"""The published answer, computed once more from the published rows by code that shares nothing with the package."""

import gzip
import json
import math
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

PUBLISHED = Path(__file__).parents[1] / "reports" / "published"
# The directory with a ladder of depth, its seeds, arms and models.
DEPTHS = {
    "2026-11-30-me5-depth": ([0, 1, 2], ["none", "snli", "more"], ["me5_small_l3", "me5_small_l6"]),
    "2026-12-01-me5-depth-float32": ([0], ["none", "snli"], ["me5_small_l3", "me5_small_l9", "me5_small"]),
}
# The directory with an answer, those with its rows, and its worlds.
ANSWERS = {
    "2026-12-01-pocket": (["2026-12-01-pocket"], 3),
    "2026-12-01-pocket-five": (["2026-12-01-pocket", "2026-12-01-pocket-five"], 5),
}
# Parameters of four layers of a width: attention 4 (w^2 + w), feed-forward 8 w^2 + 5 w, two norms 4 w.
WIDTHS = {"pocket_xs": 16, "pocket_s": 48, "pocket_m": 64, "pocket_l": 96}
SIZES = {model: 4 * (12 * width**2 + 13 * width) for model, width in WIDTHS.items()}
TASKS = ("cosmosqa", "csqa", "hellaswag", "qqp", "snli")
RICH = ("agg", "fus", "int")


@cache
def means(*directories, seeds=(0, 1, 2)):
    """The signed gap by model, intermediate task and language, mean over seeds, in percent points."""
    found = defaultdict(dict)
    packed = [file for each in directories for file in (PUBLISHED / each).glob("results*.jsonl.gz")]
    files = [gzip.decompress(file.read_bytes()) for file in packed]
    for row in map(json.loads, filter(None, b"\n".join(files).split(b"\n"))):
        about = row["condition"]
        if row["recalibration"] == "none" and not about["variant"]:
            key = about["model"], about["intermediate"], about["language"]
            found[key][about["seed"]] = 100 * row["metrics"]["gap"]["value"]
    assert all(sorted(by_seed) == list(seeds) for by_seed in found.values())
    return {key: np.mean(list(by_seed.values())) for key, by_seed in found.items()}


def change(gaps, world, quantity):
    """Of the least-squares line over log size, from the smallest to the largest."""
    sizes = np.log(list(SIZES.values()))
    values = [np.mean([quantity(gaps, world, model, task) for task in TASKS]) for model in SIZES]
    return np.polyfit(sizes, values, 1)[0] * (sizes[-1] - sizes[0])


def transfer(gaps, world, model, task):
    return np.mean([gaps[model, task, f"{world}_{language}"] for language in RICH]) - gaps[model, task, f"{world}_src"]


def beyond_more(gaps, world, model, task):
    return transfer(gaps, world, model, task) - transfer(gaps, world, model, "more")


def rich_less_poor(gaps, world, model, task):
    return np.mean([gaps[model, task, f"{world}_{language}"] for language in RICH]) - gaps[model, task, f"{world}_iso"]


QUANTITIES = {"Q1": transfer, "Q2": beyond_more, "Q3": rich_less_poor}


@pytest.mark.parametrize("answer", ANSWERS)
def test_changes_intervals_and_p_values_are_those_of_the_rows(answer):
    sources, worlds = ANSWERS[answer]
    gaps = means(*sources)
    page = (PUBLISHED / answer / "answer.md").read_text()
    readme = " ".join((PUBLISHED / answer / "README.md").read_text().replace("points (95 % ", "(").split())
    by_world = {test: [change(gaps, f"w{world}", each) for world in range(worlds)] for test, each in QUANTITIES.items()}
    p_values = {test: stats.ttest_1samp(values, 0).pvalue for test, values in by_world.items()}
    # Holm (1979): times 3, 2 and 1 from the smallest on, never falling.
    ordered = sorted(p_values, key=p_values.get)
    least, holm = 0.0, {}
    for place, test in enumerate(ordered):
        holm[test] = least = max(least, (3 - place) * p_values[test])
    for test, values in by_world.items():
        half = stats.t.ppf(0.975, worlds - 1) * np.std(values, ddof=1) / math.sqrt(worlds)
        mean = np.mean(values)
        (line,) = re.findall(rf"^\| {test}  +\| +([-+.\d]+) \| +([-+.\d]+) to ([-+.\d]+) \| +([.\d]+) \|", page, re.M)
        expected = [f"{mean:+.1f}", f"{mean - half:+.1f}", f"{mean + half:+.1f}", f"{min(holm[test], 1):.3f}"]
        assert list(line) == expected
        assert f"{test} {expected[0]} ({expected[1]} to {expected[2]}" in readme
        assert ", ".join(f"{value:+.1f} in w{world}" for world, value in enumerate(values)) in page


@pytest.mark.parametrize("directory", DEPTHS)
def test_gaps_and_transfer_of_a_ladder_of_depth_are_those_of_the_rows(directory):
    seeds, arms, depths = DEPTHS[directory]
    found = means(directory, seeds=tuple(seeds))
    readme = " ".join((PUBLISHED / directory / "README.md").read_text().split())
    targets = {language for _, _, language in found} - {"en"}
    assert len(targets) == 14
    assert {key[:2] for key in found} == {(depth, arm) for depth in depths for arm in arms}
    # docs/analysis-plan.md
    rich = ("tr", "sw", "ar", "ru", "bg", "el")
    for depth in depths:
        gap = {arm: np.mean([found[depth, arm, language] for language in targets]) for arm in arms}
        moved = {arm: np.mean([found[depth, arm, one] for one in rich]) - found[depth, arm, "en"] for arm in arms}
        assert re.search(r".{0,90}?".join(re.escape(f"{gap[arm]:+.1f}") for arm in arms), readme), gap
        assert re.search(r".{0,90}?".join(re.escape(f"{moved[arm]:+.1f} (") for arm in arms), readme), moved
        assert f"`snli` adds {moved['snli'] - moved['none']:+.1f} (" in readme
