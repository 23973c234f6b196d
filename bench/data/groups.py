"""Parts of a split that never tear a group apart: a limit on its size, and its two halves."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import replace

from bench.data.example import Split
from bench.errors import BadInput


def limit_by_groups(split: Split, limit: int, seed_text: str) -> Split:
    """Return at most `limit` examples of `split` as whole groups, in the original order, marked as capped.

    Groups are taken in the order of sha256(seed_text, group_id) until the next one would not fit: languages with the
    same groups keep the same ones, and a smaller limit keeps a part of what a larger one keeps. A split that is within
    the limit is returned as it is. Raises BadInput when not even one group fits.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise BadInput(f"Got limit={limit!r}, but a limit is an integer of 1 or more, such as 501.")
    if len(split.examples) <= limit:
        return split
    sizes = Counter(example.group_id for example in split.examples)
    kept: set[str] = set()
    room = limit
    for group in _shuffled(sizes, seed_text):
        room -= sizes[group]
        if room < 0:
            break
        kept.add(group)
    if not kept:
        raise BadInput(
            f"Got limit={limit}, but the first group of {split.name} {split.language} has {limit - room} examples, and "
            "groups are kept whole; choose a larger limit."
        )
    return _capped(_part(split, split.name, kept), len(split.examples))


def limit_to_groups(split: Split, groups: Container[str]) -> Split:
    """Return the examples of `split` in `groups`, marked as capped; raises BadInput when there are none."""
    kept = {example.group_id for example in split.examples if example.group_id in groups}
    if not kept:
        raise BadInput(
            f"Got a limit that leaves no group of {split.name} {split.language}, which has some of the source's only; "
            "choose a larger limit."
        )
    return _capped(_part(split, split.name, kept), len(split.examples))


def halve_by_group(split: Split) -> tuple[Split, Split]:
    """Return `split` as two splits named "select" and "calibrate": disjoint by group, near-equal in examples.

    Groups go, in the order of sha256("halve", group_id), to the half that holds fewer examples so far; the halves
    depend on the groups alone, and keep the original order. Raises BadInput for fewer than two groups.
    """
    sizes = Counter(example.group_id for example in split.examples)
    if len(sizes) < 2:
        raise BadInput(
            f"Got {len(sizes)} groups in {split.name} {split.language}, but two halves need at least 2; "
            "choose a larger limit."
        )
    halves: tuple[set[str], set[str]] = (set(), set())
    totals = [0, 0]
    for group in _shuffled(sizes, "halve"):
        side = int(totals[0] > totals[1])
        halves[side].add(group)
        totals[side] += sizes[group]
    return _part(split, "select", halves[0]), _part(split, "calibrate", halves[1])


def without_groups(split: Split, groups: Container[str]) -> Split:
    """Return `split` without the examples of `groups`; raises BadInput when none is left."""
    kept = {example.group_id for example in split.examples if example.group_id not in groups}
    if not kept:
        raise BadInput(
            f"Got {split.name} {split.language} with no group of its own: the source's early stopping has seen all of "
            "them; use another recalibration, or a development set with more groups."
        )
    return _part(split, split.name, kept)


def _shuffled(groups: Iterable[str], seed_text: str) -> list[str]:
    return sorted(groups, key=lambda group: hashlib.sha256(f"{seed_text}\0{group}".encode()).digest())


def _part(split: Split, name: str, groups: set[str]) -> Split:
    return replace(split, name=name, examples=tuple(item for item in split.examples if item.group_id in groups))


def _capped(split: Split, before: int) -> Split:
    notes = (split.provenance.note, f"capped to {len(split.examples)} of {before} examples")
    note = "; ".join(text for text in notes if text)
    return replace(split, provenance=replace(split.provenance, capped=True, note=note))
