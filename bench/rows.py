"""Rows: what one condition scored under one recalibration, as stored in `results.jsonl` (described in docs/rows.md)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.canonical import canonical_json
from bench.condition import Condition
from bench.errors import BadInput
from bench.small_files import locked, numbered_lines, replace_text
from bench.strict_json import parse_json

SCHEMA_VERSION = 1
FIELDS: Mapping[str, tuple[type, ...]] = {
    "schema": (int,),
    "id": (str,),
    "recalibration": (str,),
    "study": (str,),
    "condition": (dict,),
    "protocol": (str,),
    "world": (str,),
    "split": (str,),
    "n": (int,),
    "groups": (int,),
    "metrics": (dict,),
    "transfer": (dict, type(None)),
    "calibrator": (dict, type(None)),
    "flags": (list,),
    "digests": (dict,),
    "throughput": (dict,),
    "throughput_note": (str,),
    "timings": (dict,),
}
NOT_REPRODUCIBLE = frozenset({"device", "engine", "provenance", "throughput", "throughput_note", "timings"})
_JSON_NAMES = {int: "integer", str: "string", dict: "object", list: "array", type(None): "null"}
_NUMBERS = ("value", "low", "high", "floor", "p")
_STUDY = re.compile(r"[0-9a-f]{64}\Z")
_WORLD = re.compile(r"(real|w[0-9]{1,18})\Z")
_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
# What a row says of each point of its trajectory.
POINT_METRICS = ("accuracy", "confidence", "gap", "ece15", "l2sq15", "nll", "brier")
_OF_A_VIEW = ("n", "groups", "metrics", "transfer", "pairing")
_SETS = ("lac", "aps", "raps")
# Logits are float32, so no metric is larger; and the fourth powers that an interval over seeds needs stay finite.
_LARGEST = 1e40

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval (`low` to `high`) and, for binned errors, the `floor` of a calibrated model and `p`.

    Units are those of the metric: fractions of one, nats for `nll`. None is "not defined" and never stands for 0.
    """

    value: float
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class Row:
    """One JSON object of `results.jsonl`; whoever holds a Row holds a valid one.

    Raises BadInput when a field is missing or of another type, the schema is another, the id is not the condition's,
    the study or the world is none, or a number is not finite. What later versions added is checked where it is there.
    """

    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        _check_fields(self.data)
        _check_condition(self.data)
        _check_scores(self.data)
        for name, rate in self.data["throughput"].items():
            _check_number(f"throughput {name!r}", rate)
        if not all(isinstance(flag, str) for flag in self.data["flags"]):
            raise BadInput(f"Got flags={self.data['flags']!r}, but every flag is a string.")
        _check_later_fields(self.data)

    @cached_property
    def line(self) -> str:
        """The row as canonical JSON: its line in a results file."""
        return canonical_json(dict(self.data))

    @property
    def key(self) -> Key:
        """What makes a row this row: (study, id, recalibration)."""
        return self.study, self.id, self.recalibration

    @property
    def id(self) -> str:
        """The condition's id."""
        return str(self.data["id"])

    @cached_property
    def condition(self) -> Condition:
        """The condition that was scored."""
        return Condition.from_id(self.id)

    @property
    def recalibration(self) -> str:
        """The calibrator's name, "none" where the confidence is the model's own."""
        return str(self.data["recalibration"])

    @property
    def study(self) -> str:
        """The digest of the study: 64 hexadecimal digits."""
        return str(self.data["study"])

    @property
    def protocol(self) -> str:
        """The name of the training protocol."""
        return str(self.data["protocol"])

    @property
    def world(self) -> str:
        """The world of the data: "real", or an artificial one such as "w0"."""
        return str(self.data["world"])

    @property
    def split(self) -> str:
        """The split that was scored."""
        return str(self.data["split"])

    @property
    def n(self) -> int:
        """The number of units scored."""
        return int(self.data["n"])

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader must know before using the numbers, sorted."""
        return tuple(sorted(self.data["flags"]))

    @property
    def throughput_note(self) -> str:
        """Why throughput is missing, or empty."""
        return str(self.data["throughput_note"])

    def metric(self, name: str) -> Estimate | None:
        """The metric of that name, None where it is missing or undefined."""
        return _estimate(self.data["metrics"].get(name))

    def transfer(self, name: str) -> Estimate | None:
        """The metric minus its value in the source language, None for the source itself and where it is missing."""
        return _estimate((self.data["transfer"] or {}).get(name))

    @property
    def baseline(self) -> tuple[str, float] | None:
        """The name of the task's first score, and what an answer that looks at nothing gets in it; None if unknown."""
        stated = self.data.get("baseline")
        return None if stated is None else (str(stated["score"]), float(stated["value"]))

    def task_score(self, name: str) -> Estimate | None:
        """The score of that name by which the task itself is judged, None where it has no such."""
        return _estimate((self.data.get("task_scores") or {}).get(name))

    def view(self, name: str) -> Row | None:
        """The row as one of its further views has it (bench.calibration.views), None where there is no such."""
        found = (self.data.get("views") or {}).get(name)
        return None if found is None else Row({**self.data, **found})

    @property
    def views(self) -> tuple[str, ...]:
        """The names of the further views."""
        return tuple(name for name, found in (self.data.get("views") or {}).items() if found is not None)

    @property
    def trajectory(self) -> tuple[Mapping[str, Any], ...]:
        """What the model said at steps of its fine-tuning, in their order; empty where nobody asked.

        Each has `step`, `examples`, `predictions` (a key) and `POINT_METRICS`, None where one is undefined.
        """
        return tuple(self.data.get("trajectory") or ())

    def rate(self, name: str) -> float | None:
        """The throughput of that name in units a second, None where no work was timed."""
        value = self.data["throughput"].get(name)
        return None if value is None else float(value)


def reproducible_part(row: Row) -> dict[str, Any]:
    """Return the row's object without throughput and timings: equal for every run of the same study."""
    return {name: value for name, value in row.data.items() if name not in NOT_REPRODUCIBLE}


def read_rows(path: Path) -> list[Row]:
    """Read a results file; raises BadInput naming the file, the line, what is wrong with it and the way out."""
    return list(each_row(path))


def each_row(path: Path) -> Iterator[Row]:
    """Yield what `read_rows` returns, for whoever keeps a part of each row only."""
    rows: dict[Key, int] = {}
    for number, line in numbered_lines(path):
        try:
            row = Row(_parse(line))
            if row.key in rows:
                raise BadInput(f"It repeats the id, recalibration and study of line {rows[row.key]}.")
        except BadInput as error:
            raise BadInput(f"{path}, line {number}: {error} Delete that line and run its case again.") from error
        rows[row.key] = number
        yield row


def written_row(line: str) -> Row:
    """Return the row whose `line` this is: what no writer writes is not looked for, and it is not spelled again."""
    row = Row(json.loads(line))
    vars(row)["line"] = line
    return row


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows to `path` at once, canonical JSON sorted by (study, id, recalibration): equal rows, equal bytes.

    Of rows with one key the last stays. Lines alone are in memory at once.
    """
    lines = {row.key: row.line for row in rows}
    replace_text(path, "".join(lines[key] + "\n" for key in sorted(lines)))


def update_rows(path: Path, new: Iterable[Row]) -> None:
    """Merge `new` into the file at `path`, which need not exist; where both hold a key, the new row stays.

    It takes over the trajectory of the row it replaces where it has none and both are of one test prediction: who asks
    for less must not lose what was read. Holds a lock beside the file, so that two sessions with one output directory
    keep each other's rows.
    """
    with locked(path):
        write_rows(path, _merged(each_row(path) if path.exists() else (), new))


def _merged(old: Iterable[Row], new: Iterable[Row]) -> Iterator[Row]:
    read: dict[Key, tuple[object, Any]] = {}
    for row in old:
        if row.trajectory:
            read[row.key] = _test(row), row.data["trajectory"]
        yield row
    for row in new:
        test, points = read.get(row.key, (None, None))
        takes_over = points is not None and not row.trajectory and test == _test(row)
        yield Row({**row.data, "trajectory": points}) if takes_over else row


def _test(row: Row) -> object:
    return row.data["digests"].get("predictions")


def known_lines(path: Path) -> frozenset[str]:
    """Return the digests of the lines of a results file, none of one that cannot be read."""
    try:
        with path.open("rb") as file:
            return frozenset(hashlib.sha256(line.rstrip(b"\n")).hexdigest() for line in file)
    except OSError:
        return frozenset()


def line_digest(line: str) -> str:
    """Return the digest of a line as `known_lines` gives it: 64 hexadecimal digits."""
    return hashlib.sha256(line.encode()).hexdigest()


def _parse(line: str) -> dict[str, Any]:
    try:
        data = parse_json(line)
    except ValueError as error:
        raise BadInput(f"It is no JSON ({error}).") from error
    if not isinstance(data, dict):
        raise BadInput(f"Got a JSON {type(data).__name__}, but a row is an object.")
    return data


def _check_fields(data: Mapping[str, Any]) -> None:
    if data.get("schema", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise BadInput(
            f"Got schema={data['schema']!r}, but this version reads {SCHEMA_VERSION}; use the version that wrote it."
        )
    for name, types in FIELDS.items():
        if name not in data:
            raise BadInput(f"Got a row without {name!r}, which every row has.")
        if type(data[name]) not in types:
            expected = " or ".join(_JSON_NAMES[one] for one in types)
            raise BadInput(f"Got {name}={data[name]!r}, but it is of type {expected}.")
    # Study and world become part of file names.
    if not _STUDY.match(data["study"]):
        raise BadInput(f"Got study={data['study']!r}, but a study is 64 digits of 0-9 and a-f.")
    if not _WORLD.match(data["world"]):
        raise BadInput(f"Got world={data['world']!r}, but a world is 'real', or an artificial one such as 'w0'.")


def _check_condition(data: Mapping[str, Any]) -> None:
    condition = Condition.from_id(data["id"])
    stated = {name: getattr(condition, name) for name in Condition.__dataclass_fields__}
    if data["condition"] != stated:
        raise BadInput(f"Got id={data['id']!r} and condition={data['condition']!r}, but an id spells its condition.")


def _check_scores(data: Mapping[str, Any]) -> None:
    for name in ("n", "groups"):
        if data[name] < 0:
            raise BadInput(f"Got {name}={data[name]}, but a number of units is 0 or more.")
    for name, entry in [*data["metrics"].items(), *(data["transfer"] or {}).items()]:
        _check_estimate(name, entry)


def _check_later_fields(data: Mapping[str, Any]) -> None:
    """Check what rows of earlier versions lack."""
    for name, entry in _object(data, "task_scores").items():
        _check_estimate(name, entry)
    for name, view in _object(data, "views").items():
        if view is not None:
            _check_view(name, view, data)
    _check_baseline(data.get("baseline"))
    _check_trajectory(data.get("trajectory"))
    _object(data, "engine")
    sets = _object(data, "prediction_sets")
    for method in _SETS if sets else ():
        for part in ("gap", "mean_size"):
            found = sets[method].get(part) if isinstance(sets.get(method), dict) else None
            _check_number(f"prediction_sets {method!r} with {part}", found, needed=True)


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    if found is not None and not isinstance(found, dict):
        raise BadInput(f"Got {name}={found!r}, but it is of type object or null.")
    return found or {}


def _check_view(name: str, view: Any, data: Mapping[str, Any]) -> None:
    if not isinstance(view, dict) or not view.keys() <= set(_OF_A_VIEW):
        raise BadInput(f"Got view {name!r} = {view!r}, but a view is null or an object of {', '.join(_OF_A_VIEW)}.")
    seen = {**data, **view}
    _check_fields(seen)
    _check_scores(seen)


def _check_baseline(baseline: Any) -> None:
    if baseline is None:
        return
    score = baseline.get("score") if isinstance(baseline, dict) else None
    if not isinstance(score, str) or not _NAME.match(score):
        raise BadInput(f"Got baseline={baseline!r}, but a baseline is null or an object with a score's name.")
    _check_number("baseline with value", baseline.get("value"), needed=True)


def _check_trajectory(points: Any) -> None:
    if points is None:
        return
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise BadInput(f"Got trajectory={points!r}, but a trajectory is null or an array of objects.")
    for point in points:
        for name in ("step", "examples"):
            if type(point.get(name)) is not int or point[name] < 1:
                raise BadInput(f"Got a point of a trajectory with {name}={point.get(name)!r}, but it is 1 or more.")
        if not isinstance(point.get("predictions"), str):
            raise BadInput(f"Got a point with predictions={point.get('predictions')!r}, but they are named by a key.")
        for name in POINT_METRICS:
            _check_number(f"a point of a trajectory with {name}", point.get(name))
    steps = [point["step"] for point in points]
    if steps != sorted(set(steps)):
        raise BadInput(f"Got a trajectory of steps {steps}, but its steps ascend and each occurs once.")


def _check_estimate(name: str, entry: Any) -> None:
    if entry is None:
        return
    if not isinstance(entry, dict) or "value" not in entry:
        raise BadInput(f"Got metric {name!r} = {entry!r}, but a metric is null or an object with a value.")
    for part in _NUMBERS:
        value = entry.get(part)
        # Nearly all are sound floats or missing, and a file holds millions: the message is for the others alone.
        if value is not None and not (type(value) is float and -_LARGEST <= value <= _LARGEST):
            _check_number(f"metric {name!r} with {part}", value)


def _check_number(what: str, value: Any, needed: bool = False) -> None:
    if value is None and not needed:
        return
    # Not a number fails the comparison.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= _LARGEST:
        missing = "" if needed else " or null"
        raise BadInput(f"Got {what} = {value!r}, but it is a finite number{missing}, of at most {_LARGEST:g} in size.")


def _estimate(entry: Mapping[str, Any] | None) -> Estimate | None:
    if entry is None or entry["value"] is None:
        return None
    return Estimate(**{part: None if entry.get(part) is None else float(entry[part]) for part in _NUMBERS})  # type: ignore[arg-type]
