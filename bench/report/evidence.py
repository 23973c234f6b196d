"""Which rung of the evidence ladder has data: real sizes, real truncations, or an artificial world."""

from __future__ import annotations

from collections.abc import Iterable

from bench.catalog.ladders import Ladder, ladders
from bench.report.sections import REAL
from bench.rows import Row

NOT_ANSWERED = "For real pretrained encoders of different sizes this is not answered here."
# Such rows show that the instrument works; they say nothing of pretrained encoders.
_NO_EVIDENCE = frozenset({"random_weights", "stand_in", "local_model"})
_NO_SIZE = frozenset({"truncated", "prior_supervision", "quantised"})
_SIZES_FOR_A_SLOPE = 4


def evidence(rows: Iterable[Row]) -> str:
    """Return the first words of every report: the strongest rung of evidence among `rows`."""
    usable = usable_rows(rows)
    real = [row for row in usable if row.world == REAL]
    sizes = _size_ladders(row.condition.model for row in real if not _NO_SIZE & set(row.flags))
    if sizes:
        return f"Strongest evidence here: real, independently pretrained sizes. {' '.join(map(_described, sizes))}"
    if real:
        return f"{NOT_ANSWERED} {_real_rung(real)}"
    if usable:
        worlds = ", ".join(sorted({row.world for row in usable}))
        return f"{NOT_ANSWERED} The strongest rung with data is the artificial one ({worlds}): an analogue only."
    return f"{NOT_ANSWERED} No rung has data yet."


def usable_rows(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that are evidence of something: pretrained weights of the catalog, on the data they name."""
    return [row for row in rows if not _NO_EVIDENCE & set(row.flags)]


def _real_rung(rows: list[Row]) -> str:
    truncated = sorted({row.condition.model for row in rows if "truncated" in row.flags})
    if truncated:
        return (
            f"The strongest rung with data is real, truncated ({', '.join(truncated)}): depth of one encoder, not size."
        )
    models = ", ".join(sorted({row.condition.model for row in rows}))
    return f"The rows are of real encoders at one size each ({models})."


def _size_ladders(models: Iterable[str]) -> list[Ladder]:
    return [ladder for ladder in ladders(models) if ladder.kind != "depth"]


def _described(ladder: Ladder) -> str:
    few = len(ladder.models) < _SIZES_FOR_A_SLOPE
    end = f"; fewer than {_SIZES_FOR_A_SLOPE} sizes, so no slope verdict." if few else "."
    return f"Ladder {ladder.title}: {', '.join(ladder.tokens)}{end}"
