"""docs/speed.md, from runs of the throughput suites: `python -m tests.throughput_table BENCHMARK.json ...`.

All files that the page is to show are named: what it held before goes. Cases are told apart by their `extra_info`.
"""

import json
import statistics
import sys
from pathlib import Path

from tabulate import tabulate

from bench.throughput.table import throughput_table
from tests.generated_parts import with_part

PAGE = Path(__file__).parents[1] / "docs" / "speed.md"
MARKS = "<!-- throughput: python -m tests.throughput_table FILE ... -->\n", "<!-- end of throughput -->\n"


def tables(runs):
    """Return the Markdown of `runs` (contents of pytest-benchmark's files): where each was made, and its tables."""
    return "\n".join(part for run in runs for part in _parts(run))


def _parts(run):
    cases = [case for case in run["benchmarks"] if "what" in case["extra_info"]]
    models = [case["extra_info"] for case in cases if "peers" not in case["extra_info"]]
    compared = [case for case in cases if "peers" in case["extra_info"]]
    if cases:
        yield _where(run, cases[0]["extra_info"])
    if models:
        yield throughput_table(models, "pipe") + "\n"
        yield _notes(models)
    if compared:
        yield _peers(compared)


def _where(run, one):
    gpu = "" if one["device"] == "cpu" else f" with {one['device']}"
    features = " ".join(one["cpu_features"]) or "no vector instructions known"
    libraries = ", ".join(f"{name} {version}" for name, version in one["libraries"].items())
    cores = run["machine_info"]["cpu"]["count"]
    where = f"Run of {run['datetime'][:10]} on {one['processor']}{gpu}"
    return f"{where}: {cores} cores, {one['threads']} threads, {features}; {libraries}.\n"


def _notes(models):
    peaks = {one["dtype"]: one["product_peak"] for one in models}
    said = ", ".join(f"{peak / 1e12:,.2f} TFLOP/s in {dtype}" for dtype, peak in sorted(peaks.items()))
    texts = "; ".join(dict.fromkeys(one["text"] for one in models))
    memory = " and ".join(dict.fromkeys(one["peak_memory"]["is"] for one in models))
    return f"Matrix products reach {said}. Texts: {texts}. Peak memory: {memory}.\n"


def _peers(cases):
    lines = []
    for case in cases:
        about, ours = _about(case), case["stats"]["data"]
        what = f"{about['what']}, {about['model']} ({about['weights']} weights), {about['dtype']}"
        lines.append([what, "crosscal", _seconds(ours), f"{about['tokens'] / statistics.median(ours):,.0f}", ""])
        for peer, times in about["peers"].items():
            ratios = [theirs / own for theirs, own in zip(times, ours, strict=True)]
            rate = about["tokens"] / statistics.median(times)
            lines.append(["", peer, _seconds(times), f"{rate:,.0f}", _ratio(ratios)])
    headers = ["what", "who", "seconds", "tokens/s", "times as long as crosscal"]
    read = dict.fromkeys(f"{each['examples']} pairs ({each['text']})" for each in map(_about, cases))
    table = tabulate(lines, headers, tablefmt="pipe", disable_numparse=True)
    return f"{table}\n\nA round is of {'; '.join(read)}.\n"


def _about(case):
    return case["extra_info"]


def _seconds(times):
    return f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"


def _ratio(ratios):
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    measured = tables([json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]])
    PAGE.write_text(with_part(PAGE.read_text(encoding="utf-8"), *MARKS, measured), encoding="utf-8")
