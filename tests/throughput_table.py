"""The tables of docs/speed.md: `python -m tests.throughput_table FILE...` (pytest-benchmark's files, one or more)."""

import json
import statistics
import sys
from pathlib import Path

from tabulate import tabulate

from tests.generated_parts import with_part

PAGE = Path(__file__).parents[1] / "docs" / "speed.md"
PEERS = "<!-- peers: python -m tests.throughput_table -->\n", "<!-- end of peers -->\n"
MODELS = "<!-- models: python -m tests.throughput_table -->\n", "<!-- end of models -->\n"


def peers_table(runs):
    """Return a line for each peer of each comparison in `runs`: seconds of both sides, and their ratios."""
    lines = []
    for case in _cases(runs):
        info = case["extra_info"]
        if "peers" not in info:
            continue
        ours = case["stats"]["data"]
        what = f"{_words(case)}, {info['precision']}"
        for peer, times in info["peers"].items():
            ratios = [theirs / own for theirs, own in zip(times, ours, strict=True)]
            lines.append([what, info["model"], info["weights"], peer, _spread(times), _spread(ours), _spread(ratios)])
    headers = ["work", "model", "weights", "peer", "peer's seconds", "our seconds", "times as fast"]
    return _page(runs, lines, headers)


def models_table(runs):
    """Return a line for each model, kind of work and precision in `runs`: rates, share of real tokens, utilisation."""
    lines = []
    for case in _cases(runs):
        info = case["extra_info"]
        if "utilisation" not in info:
            continue
        rates = sorted(info["tokens_per_s"] * _median(info["seconds"]) / seconds for seconds in info["seconds"])
        lines.append(
            [
                info["model"], info["weights"], _words(case), info["precision"], info["attention"],
                f"{info['examples_per_s']:.1f}", f"{_median(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f})",
                f"{100 * info['real_token_share']:.1f}", f"{100 * info['utilisation']:.0f}",
                f"{info['peak_bytes'] / 2**30:.1f}",
            ]
        )  # fmt: skip
    headers = [
        "model", "weights", "work", "precision", "attention", "examples/s", "tokens/s", "real tokens, %",
        "utilisation, %", "peak, GiB",
    ]  # fmt: skip
    return _page(runs, lines, headers)


def _cases(runs):
    return [case for run in runs for case in run["benchmarks"]]


def _page(runs, lines, headers):
    table = tabulate(lines, headers, tablefmt="pipe", disable_numparse=True)
    return "\n".join(["", *map(_where, runs), "", table, ""]) + "\n"


def _where(run):
    cpu, infos = run["machine_info"]["cpu"], [case["extra_info"] for case in run["benchmarks"]]
    sets = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in cpu.get("flags", [])]
    devices = sorted({info["device"] for info in infos if info.get("device")} - {"cpu"})
    threads, versions = (sorted({str(info[name]) for info in infos}) for name in ("threads", "torch"))
    return (
        f"Run of {run['datetime'][:10]}, {cpu.get('brand_raw', 'an unnamed processor')}, {cpu['count']} cores"
        f" ({', '.join(sets) or 'no vector instructions known'}){''.join(f', {name}' for name in devices)}, "
        f"{'/'.join(threads)} threads, torch {'/'.join(versions)}."
    )


def _words(case):
    return case["name"].partition("[")[0].removeprefix("test_").replace("_", " ")


def _median(values):
    return statistics.median(values)


def _spread(values):
    digits = 2 if _median(values) < 100 else 0
    return f"{_median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    read = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    text = PAGE.read_text(encoding="utf-8")
    for marks, kind, wanted in ((PEERS, peers_table, "peers"), (MODELS, models_table, "utilisation")):
        runs = [run for run in read if any(wanted in case["extra_info"] for case in run["benchmarks"])]
        text = with_part(text, *marks, kind(runs)) if runs else text
    PAGE.write_text(text, encoding="utf-8")
