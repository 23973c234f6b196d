"""docs/metric-speed.md, from one run: `python -m tests.metric_speed_table BENCHMARK.json` (pytest-benchmark's file)."""

import json
import statistics
import sys
from pathlib import Path

from tabulate import tabulate

from tests.generated_parts import with_part

PAGE = Path(__file__).parents[1] / "docs" / "metric-speed.md"
MARKS = "<!-- speed: python -m tests.metric_speed_table -->\n", "<!-- end of speed -->\n"


def tables(run):
    """Return the Markdown of one run: where it was made, a line a contender, and the metric set metric by metric."""
    cases = {case["name"]: case for case in run["benchmarks"]}
    machine = run["machine_info"]["cpu"]
    where = (
        f"Run of {run['datetime'][:10]} on {machine.get('brand_raw', 'an unnamed processor')}, {machine['count']} cores"
    )
    parts = [f"{where}. Times in seconds: median, in parentheses the least and the largest.\n", _contenders(cases)]
    if "test_whole_metric_set" in cases:
        parts.append(_metric_set(cases["test_whole_metric_set"]))
    if "test_streaming" in cases:
        megabytes = cases["test_streaming"]["extra_info"]["megabytes"]
        parts.append(
            f"A hundred million rows in batches, all streaming metrics: {megabytes:.0f} MB above the interpreter.\n"
        )
    return "\n".join(parts)


def _contenders(cases):
    lines = []
    for name, case in cases.items():
        if name in ("test_whole_metric_set", "test_streaming"):
            continue
        ours = case["stats"]["data"]
        lines.append([_words(name), "crosscal", _times(ours), ""])
        for peer, times in case["extra_info"]["peers"].items():
            ratios = [theirs / own for theirs, own in zip(times, ours, strict=True)]
            lines.append(["", peer, _times(times), _ratio(ratios)])
    return (
        tabulate(lines, ["what", "who", "seconds", "times as long as crosscal"], tablefmt="pipe", disable_numparse=True)
        + "\n"
    )


def _metric_set(case):
    by_metric, peers = case["extra_info"]["by_metric"], {}
    for contender, times in case["extra_info"]["peers"].items():
        metric, _, library = contender.partition(": ")
        peers.setdefault(metric, {})[library] = times
    lines = []
    for metric, own in by_metric.items():
        fastest = min(peers.get(metric, {}).items(), key=lambda entry: statistics.median(entry[1]), default=None)
        cells = ["–", ""] if fastest is None else [f"{statistics.median(fastest[1]):.4f}", fastest[0]]
        lines.append([f"`{metric}`", f"{own:.4f}", *cells])
    ours, theirs = statistics.median(case["stats"]["data"]), sum(float(line[2]) for line in lines if line[2] != "–")
    shared = sum(float(line[1]) for line in lines if line[2] != "–")
    lines.append(["sum of those that a peer has", f"{shared:.4f}", f"{theirs:.4f}", ""])
    lines.append(
        ["the whole set, validation included", _times(case["stats"]["data"]), f"{theirs / ours:.2f} times ours", ""]
    )
    headers = ["15 languages x 5,010 rows", "crosscal", "fastest peer", "which"]
    return tabulate(lines, headers, tablefmt="pipe", disable_numparse=True) + "\n"


def _words(name):
    return name.removeprefix("test_").replace("_", " ")


def _times(times):
    return f"{statistics.median(times):.3f} ({min(times):.3f} to {max(times):.3f})"


def _ratio(ratios):
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


if __name__ == "__main__":
    measured = tables(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    PAGE.write_text(with_part(PAGE.read_text(encoding="utf-8"), *MARKS, measured), encoding="utf-8")
