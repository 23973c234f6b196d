"""Names of recalibrations, as in rows: "none", or a calibrator and where it is fitted, such as "ts_en"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.calibration.calibrators.registry import CALIBRATORS
from bench.errors import BadInput

_FEW = re.compile(r"few([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class RecalibrationName:
    """Which calibrator is fitted, and where.

    token: a key of CALIBRATORS; where: "en" (the calibration half of the source language), "target" (that of the scored
    language), "pool" (those of all languages together), "few<k>" (k labelled examples of the scored language) or
    "pivot" (a stated pair of languages, cross-fitted: bench.calibration.cross_fit), where only "ts" is.
    Raises BadInput for anything else.
    """

    token: str
    where: str

    def __post_init__(self) -> None:
        check_token(self.token)
        check_where(self.where)
        if self.where == "pivot" and self.token != "ts":
            raise BadInput(f"Got calibrator={self.token!r} where='pivot', but only a temperature (ts) is fitted there.")

    def __str__(self) -> str:
        return f"{self.token}_{self.where}"

    @classmethod
    def parse(cls, text: str) -> RecalibrationName | None:
        """Return the name that `text` spells, None for "none"; raises BadInput listing what there is."""
        if text == "none":
            return None
        token, _, where = text.partition("_")
        try:
            return cls(token, where)
        except BadInput as error:
            raise BadInput(
                f"Got recalibration={text!r}; write 'none', or <calibrator>_<where> such as ts_en. {error}"
            ) from error


def shots(where: str) -> int | None:
    """Return k for "few<k>", None for other places."""
    found = _FEW.fullmatch(where)
    return int(found[1]) if found else None


def check_token(token: str) -> None:
    """Raise BadInput unless there is a calibrator `token`."""
    if token not in CALIBRATORS:
        raise BadInput(f"Got calibrator={token!r}, but there are: {', '.join(CALIBRATORS)}.")


def check_where(where: str) -> None:
    """Raise BadInput unless a calibrator can be fitted at `where`."""
    if where not in ("en", "pool", "target", "pivot") and shots(where) is None:
        raise BadInput(f"Got where={where!r}, but there are: en, pool, target, pivot, few<k> with k >= 1.")
