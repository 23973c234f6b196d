"""What the splits of a world's tasks share: which meanings each may say, and how its items are named."""

from __future__ import annotations

from bench.data.artificial.draws import Genre, draw_premise
from bench.data.artificial.meaning import Description
from bench.data.artificial.streams import Stream, hash_fraction
from bench.data.example import Provenance

# Shares of meaning space by the hash of a description's content. Pretraining has the other half (draws.py), and no
# split trains on what another one, of whatever task, is tested on.
_PARTS = {"train": (0.5, 0.85), "validation": (0.85, 0.92), "test": (0.92, 1.0)}


def in_part(world: int, split: str, said: Description) -> bool:
    """Return whether the content of `said` belongs to `split` ("train", "validation" or "test")."""
    low, high = _PARTS[split]
    return low <= hash_fraction("region", world, said.spelled()) < high


def draw_meaning(stream: Stream, world: int, genre: Genre, split: str) -> Description:
    """Return an affirmed description of `genre` that belongs to `split`."""
    return draw_premise(stream, world, genre, lambda drawn: in_part(world, split, drawn))


def prefix(world: int, task: str, split: str) -> str:
    """Return what the item and group ids of a split begin with."""
    return f"w{world}-{task}-{split}"


def provenance(world: int, note: str = "") -> Provenance:
    """Return where every split of a world comes from."""
    return Provenance("artificial", note=f"artificial world {world}{note}")
