"""Every task of the catalog in an artificial world, by name."""

from __future__ import annotations

from collections.abc import Callable

from bench.data.artificial import bitext_tasks, choice_tasks, pair_tasks, question_tasks, tagging_tasks
from bench.data.artificial.translation_noise import Translator, translator
from bench.data.example import Split
from bench.errors import BadInput

_Read = Callable[[str, str, Translator], Split]
_READERS: dict[tuple[str, str], _Read] = {
    key: read
    for splits, read in (
        (pair_tasks.SPLITS, pair_tasks.pair_split),
        (choice_tasks.SPLITS, choice_tasks.choice_split),
        (tagging_tasks.SPLITS, tagging_tasks.tagging_split),
        (question_tasks.SPLITS, question_tasks.question_split),
        (bitext_tasks.SPLITS, bitext_tasks.bitext_split),
    )
    for key in splits
}
SPLITS = tuple(sorted(_READERS))


def artificial_split(task: str, split: str, token: str, noise: float = 0.0) -> Split:
    """Return a split of a task in the artificial language `token`, drawn the same on every machine.

    Item and group ids, labels and posteriors are shared by all languages. With `noise`, for training splits, each word
    of a language that is not the source is mistranslated with that probability. Raises BadInput for a task or split
    that artificial worlds do not have (`SPLITS`), and for noise that is no rate or not in training.
    """
    if (task, split) not in _READERS:
        known = ", ".join(" ".join(key) for key in SPLITS)
        raise BadInput(f"Got task={task!r}, split={split!r}, but an artificial world has {known}.")
    return _READERS[task, split](task, split, translator(token, split, noise))
