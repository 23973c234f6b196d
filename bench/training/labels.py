"""What the examples of a phase must be for its head."""

from __future__ import annotations

from typing import Any

from bench.data.example import MULTIPLE_CHOICE, SPAN, Split, TaggedSentence
from bench.errors import BadInput
from bench.modeling.heads import Head


def check_labels(head: Head, split: Split) -> None:
    """Raise BadInput for a split without examples, and for labels that `head` has no class for."""
    if not split.examples:
        raise BadInput(f"Got no examples in split {split.name!r} ({split.language}); raise the limit that left none.")
    if split.kind == SPAN:
        return
    if split.kind != MULTIPLE_CHOICE and head.classes != len(split.labels):
        raise BadInput(
            f"The head has {head.classes} classes, but split {split.name!r} has {len(split.labels)} labels "
            f"({', '.join(split.labels)}); make the head for this task."
        )
    for example in split.examples:
        for label in _labels(example):
            if not 0 <= label < head.classes:
                raise BadInput(
                    f"Got label={label} for item {example.item_id!r} of split {split.name!r}, "
                    f"but its labels are 0 to {head.classes - 1}; leave unlabelled items out."
                )


def _labels(example: Any) -> tuple[int, ...]:
    return example.tags if isinstance(example, TaggedSentence) else (example.label,)
