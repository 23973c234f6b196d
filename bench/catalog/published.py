"""Results that others published, as far as a source was read: what `fidelity.md` holds our own to."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

AVERAGE = "avg"
# A training of `PublishedScore`: for each target the intermediate task that is best for it.
BEST = "best"


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table: where it was read, and what of its making differs from ours. `protocol` is its like here, "" for any."""

    token: str
    title: str
    source: str
    protocol: str
    differs: str


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A line of published_scores.csv, `printed` in points; AVERAGE is the mean over all languages of XTREME's task."""

    table: str
    model: str
    training: str
    target: str
    language: str
    score: str
    printed: str

    @property
    def value(self) -> float:
        """The value as a fraction of one."""
        return float(self.printed) / 100


@dataclass(frozen=True, slots=True)
class PublishedBin:
    """A bin (low, high] of a reliability diagram: items, right answers, mean confidence."""

    language: str
    low: float
    high: float
    count: int
    correct: int
    confidence: float


TABLES: tuple[PublishedTable, ...] = (
    PublishedTable(
        "xlmr",
        "XNLI by language, without intermediate task",
        "Conneau et al. 2020 (XLM-R), Table 1, means of five seeds for XLM-R; rows of encoders that the catalog has.",
        "",
        "The best single model was selected on the development sets of all languages (as the README of MiniLM says); "
        "here English chooses alone. XTREME, which does so too, gets 79.2 where the table has 80.9 for XLM-R Large.",
    ),
    PublishedTable(
        "xstilts",
        "Averages over languages on XTREME's test sets",
        "README of google-research/multilingual-t5 (after Hu et al. 2020 and Phang et al. 2020); F1 for questions.",
        "",
        "The best intermediate task was chosen on development data; here it is chosen on the "
        "other seeds, on the same test items.",
    ),
    PublishedTable(
        "ahuja",
        "Accuracy and mean confidence without recalibration",
        "Ahuja et al. 2022, Figure 1, decoded from the SVG files of microsoft/MMLMCalibration @ 0914512d; one seed.",
        "ahuja2022",
        "",
    ),
)
# Printed above the diagrams of Ahuja et al. 2022: expected calibration error of ten bins, in points.
PRINTED_ECE = {"en": 6.66, "sw": 16.99}


@cache
def published_scores() -> tuple[PublishedScore, ...]:
    """Return published_scores.csv, in the order of the file."""
    return tuple(PublishedScore(**line) for line in _lines("published_scores.csv"))


@cache
def published_bins() -> tuple[PublishedBin, ...]:
    """Return published_bins.csv: Figure 1 of Ahuja et al. 2022, XLM-R Large on XNLI, 5,010 items a language."""
    return tuple(
        PublishedBin(
            line["language"], float(line["low"]), float(line["high"]),
            int(line["count"]), int(line["correct"]), float(line["confidence"]),
        )
        for line in _lines("published_bins.csv")
    )  # fmt: skip


def _lines(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("bench.catalog").joinpath(name).read_text(encoding="utf-8").splitlines()))
