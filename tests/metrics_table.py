"""The tables in docs/metrics.md are made of the registries: `python -m tests.metrics_table` writes them again."""

from pathlib import Path

from tabulate import tabulate

from bench.calibration.calibrators.registry import CALIBRATORS
from bench.calibration.consistency import has_floor
from bench.calibration.metric import ALL
from bench.calibration.metrics import METRICS
from tests.generated_parts import with_part

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
METRIC_MARKS = "<!-- metrics: python -m tests.metrics_table -->\n", "<!-- end of metrics -->\n"
CALIBRATOR_MARKS = "<!-- calibrators: python -m tests.metrics_table -->\n", "<!-- end of calibrators -->\n"


def metrics():
    """Return the Markdown table of the metrics."""
    lines = [
        [
            f"`{name}`",
            metric.title.replace("|", "\\|"),
            metric.symbol,
            f"{metric.low:g} to {metric.high:g}",
            metric.better or "–",
            metric.needs,
            "yes" if has_floor(metric) else "",
            ", ".join(sorted(ALL - metric.holds)) or "–",
        ]
        for name, metric in METRICS.items()
    ]
    headers = ["name", "metric", "symbol", "range", "better", "needs", "floor, p", "does not hold"]
    return tabulate(lines, headers, tablefmt="pipe", disable_numparse=True) + "\n"


def calibrators():
    """Return the Markdown table of the calibrators."""
    lines = [
        [f"`{info.token}`", info.title, info.source, "yes" if info.keeps_answers else "no"]
        for info in CALIBRATORS.values()
    ]
    return tabulate(lines, ["token", "calibrator", "source", "keeps the answers"], tablefmt="pipe") + "\n"


def with_tables(page):
    """Return `page` with both tables between their marks."""
    return with_part(with_part(page, *METRIC_MARKS, metrics()), *CALIBRATOR_MARKS, calibrators())


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
