"""Flags as footnotes: every flag of every row is seen, known or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.rows import Row

# Of such a cell the gap is only the confidence, which is no part of a conclusion on calibration.
_UNINFORMATIVE = frozenset({"at_chance", "collapsed"})
# A flag of a recalibration's own rows, not of the line.
TARGET_LABELS = "target_labels"

_TEXTS = {
    "artificial": "an artificial world: an analogue of natural languages, not one of them",
    "stand_in": "a stand-in took the place of the hub",
    "local_model": "weights from a directory the user named, under a token of its own",
    "random_weights": "weights drawn at random: nothing was pretrained",
    "truncated": "the first layers of one encoder: its depth, never a pretrained size",
    "quantised": "weights that were quantised before they came here",
    "prior_supervision": "pretrained with supervision close to the target: no size verdict, no claim about other work",
    "contaminated": "the intermediate task holds the target's own data: in no average of genuine intermediates",
    "tlm": "pretraining saw translation pairs",
    "aligned": "pretraining drew the words of translation pairs together",
    "items_cut": "some items were longer than the limit and were cut",
    "bfloat16": "trained and predicted in bfloat16 mixed precision",
    "unpinned": "from the hub at no pinned revision: the resolved commit is in the predictions",
    "discourse": "pretraining saw discourse connectives, in target languages too",
    "source_discourse": "pretraining saw discourse connectives, in the source language alone",
    "subset": "the source of the data holds only a part of a published split",
    "capped": "a limit of the study left examples out, by whole groups",
    "single_seed": "one seed: intervals are over items only, no verdict",
    "collapsed": "fine-tuning collapsed to chance: the gap is only the confidence",
    "at_chance": "no better than an answer that looks at nothing: ran, uninformative, the gap is only the confidence",
    "unpaired": "the data are not parallel: the contrast with the source is confounded with what the items say",
    "substitute_train": "trained on another task's data, which stand in for its own",
    "dev_as_test": "development data in place of the test set, whose labels are not public here",
    "translated": "the intermediate task was read in translations too",
    "new_masked_head": "its masked-language-modelling head was trained after pretraining, on an encoder that had lost "
    "most single words: not a continuation of pretraining",
    "arbitrary_scale": "trained with logit normalisation: its confidence means something after recalibration only",
    TARGET_LABELS: "recalibrated on labels of target languages: not zero-shot",
    "other_provenance": "a stored artefact made on another device, thread count or library version",
    "earlier_run": "the last run did not get to this case: the row is from an earlier run",
}
_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

_NUMBERS = {mark: digit for digit, mark in _DIGITS.items()}


def is_uninformative(row: Row) -> bool:
    """Whether a row is at chance, or of a training that collapsed."""
    return bool(_UNINFORMATIVE & set(row.flags))


def mark_number(mark: str) -> int:
    """Return the number of a mark: 13 for "¹³"."""
    return int(mark.translate(_NUMBERS))


@dataclass(frozen=True, slots=True)
class Footnotes:
    """The flags that occur in one part of a report, numbered in the order of this module, unknown ones last."""

    flags: tuple[str, ...]

    @classmethod
    def of(cls, flags: Iterable[str]) -> Footnotes:
        """Return the footnotes for these flags."""
        order = list(_TEXTS)
        rank = {flag: order.index(flag) if flag in _TEXTS else len(order) for flag in flags}
        return cls(tuple(sorted(rank, key=lambda flag: (rank[flag], flag))))

    def marks(self, flags: Iterable[str]) -> str:
        """The marks of `flags`, as in "¹ ³"."""
        numbers = sorted(self.flags.index(flag) + 1 for flag in set(flags))
        return " ".join(str(number).translate(_DIGITS) for number in numbers)

    def texts(self) -> list[str]:
        """One text for each mark, in their order: mark, flag, meaning."""
        return [
            f"{str(number).translate(_DIGITS)} {flag}: {_TEXTS.get(flag, 'a flag that this version does not know')}"
            for number, flag in enumerate(self.flags, start=1)
        ]
