"""Which rung of the evidence ladder has data: real sizes, real truncations, or an artificial world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bench.catalog.ladders import SIZES_FOR_A_VERDICT, Ladder, ladders
from bench.report.sections import REAL
from bench.rows import Row

NOT_ANSWERED = "For real pretrained encoders of different sizes this is not answered here."
# Such rows show that the instrument works; they say nothing of pretrained encoders.
_NO_EVIDENCE = frozenset({"random_weights", "stand_in", "local_model"})
_NO_SIZE = frozenset({"truncated", "prior_supervision", "quantised"})


def evidence(rows: Iterable[Row]) -> str:
    """Return the first words of every report: the strongest rung of evidence among `rows`.

    Sizes are on one ladder only where one study, protocol, target and split has them.
    """
    usable = usable_rows(rows)
    real = [row for row in usable if row.world == REAL]
    sizes = _size_ladders([row for row in real if not _NO_SIZE & set(row.flags)])
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


def _size_ladders(rows: Iterable[Row]) -> list[Ladder]:
    comparable: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        comparable[row.study, row.protocol, row.condition.target, row.split].add(row.condition.model)
    found = [ladder for key in sorted(comparable) for ladder in ladders(comparable[key]) if ladder.kind != "depth"]
    return list({ladder.tokens: ladder for ladder in found}.values())


def _described(ladder: Ladder) -> str:
    few = len(ladder.models) < SIZES_FOR_A_VERDICT
    end = f"; fewer than {SIZES_FOR_A_VERDICT} sizes, so no slope verdict." if few else "."
    return f"Ladder {ladder.title}: {', '.join(ladder.tokens)}{end}"
