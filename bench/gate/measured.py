"""What the gate compares: the few numbers of one condition, with what they were made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.condition import Condition
from bench.errors import BadInput
from bench.rows import Estimate, Row

QUALITY = "score"
# |gap|: its sign says in which direction a model errs, not how much.
CALIBRATION = ("gap", "nll", "l2sq15")
RATES = {"train": ("train_tokens_per_s", "train_reference"), "predict": ("predict_tokens_per_s", "predict_reference")}
_LARGEST = 1e100
_WIDTH = 2 * 1.959963984540054
_TEXTS = ("id", "study", "recipe", "data", "logits", "provenance", "split", "score", "device")


@dataclass(frozen=True, slots=True)
class Measured:
    """One condition as a baseline keeps it.

    `recipe`, `data`, `logits`, `provenance` are digests: of the checkpoint's recipe, of the test items, of the logits,
    and of device, threads, instruction set and libraries. `values` maps "score" (the task's first score, named by
    `score`), "gap", "nll", "l2sq15" to (value, standard error over items or None); `versions` the metrics'. `rates` are
    tokens per second over the rate of the reference loop in the same run, on `device`; empty where nothing was timed.
    """

    id: str
    study: str
    recipe: str
    data: str
    logits: str
    provenance: str
    split: str
    n: int
    score: str
    values: Mapping[str, tuple[float, float | None]]
    versions: Mapping[str, int]
    rates: Mapping[str, float]
    device: str

    @property
    def condition(self) -> Condition:
        """The condition that was measured."""
        return Condition.from_id(self.id)


def measured(row: Row) -> Measured:
    """Return what the gate compares of a row that was not recalibrated."""
    score = "accuracy" if row.baseline is None else row.baseline[0]
    found = {QUALITY: row.task_score(score) or row.metric(score), **{name: row.metric(name) for name in CALIBRATION}}
    digests = row.data["digests"]
    return Measured(
        row.id, row.study, digests["recipe"], digests["data"], digests.get("logits", ""),
        str(row.data.get("provenance", "")), row.split, row.n, score,
        {name: (each.value, _error(each)) for name, each in found.items() if each is not None},
        {name: int((row.data["metrics"].get(name) or {}).get("version", 1)) for name in CALIBRATION},
        _rates(row), str(row.data.get("device", "")),
    )  # fmt: skip


def of_rows(rows: Iterable[Row]) -> list[Measured]:
    """Return what the gate compares of `rows`: a model's confidence as it is, not what a calibrator makes of it."""
    return [measured(row) for row in rows if row.recalibration == "none"]


def from_json(data: Mapping[str, Any]) -> Measured:
    """Return what `bench.canonical.plain` made of a Measured; raises BadInput where it does not fit."""
    try:
        if not all(isinstance(data[name], str) for name in _TEXTS):
            raise TypeError(f"{', '.join(_TEXTS)} are strings")
        values = {name: (_number(value), None if error is None else _number(error))
                  for name, (value, error) in data["values"].items()}  # fmt: skip
        versions = {name: _count(version) for name, version in data["versions"].items()}
        rates = {name: _number(rate) for name, rate in data["rates"].items()}
        texts = {name: data[name] for name in _TEXTS}
        found = Measured(**texts, n=_count(data["n"]), values=values, versions=versions, rates=rates)
        _ = found.condition
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadInput(f"Got a condition that does not fit ({type(error).__name__}: {error}).") from error
    return found


def _number(value: Any) -> float:
    # Squares of larger numbers overflow.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > _LARGEST:
        raise TypeError(f"{value!r} is no number up to {_LARGEST:g}")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise TypeError(f"{value!r} is no count")
    return value


def _error(found: Estimate) -> float | None:
    return None if found.low is None or found.high is None else (found.high - found.low) / _WIDTH


def _rates(row: Row) -> dict[str, float]:
    pairs = {name: (row.rate(rate), row.rate(reference)) for name, (rate, reference) in RATES.items()}
    return {name: rate / reference for name, (rate, reference) in pairs.items() if rate and reference}
