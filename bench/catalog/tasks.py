"""Target and intermediate tasks: what each trains on, and in which languages it is evaluated."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.dataset_spec import NLI_LABELS, dataset_spec
from bench.data.example import MINING, MULTIPLE_CHOICE, RETRIEVAL, SENTENCE_PAIR, SPAN, TAGGING
from bench.errors import BadInput

# Language tables of XTREME (github.com/google-research/xtreme); checked by their lengths in the tests.
_XNLI = ("en", *(token for token in dataset_spec("xnli").languages if token != "en"))
_TATOEBA = (
    "af", "ar", "bg", "bn", "de", "el", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "jv",
    "ka", "kk", "ko", "ml", "mr", "nl", "pt", "ru", "sw", "ta", "te", "th", "tl", "tr", "ur", "vi", "zh",
)  # fmt: skip
_UDPOS = ("en", *sorted({*_TATOEBA, "yo"} - {"bn", "jv", "ka", "ml", "sw"}))
_PANX = ("en", *sorted({*_TATOEBA, "ms", "my", "yo"}))


@dataclass(frozen=True, slots=True)
class TargetTask:
    """A task of XTREME: evaluated zero-shot in `languages` after training on the source language.

    `published_train` is the number of English training examples of the published set, for cost estimates; 0 where
    nothing is trained, and then there is no source language either. `extra_languages` are read only when named: there
    are data, but XTREME leaves them out. `pivot` is the language whose pairs fit the temperature of a retrieval task.
    """

    token: str
    kind: str
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    published_train: int
    extra_languages: tuple[str, ...] = ()
    pivot: str = ""

    @property
    def trains(self) -> bool:
        """Whether a head is trained for it, in the source language."""
        return self.kind not in (RETRIEVAL, MINING)


@dataclass(frozen=True, slots=True)
class IntermediateTask:
    """A task the encoder is fine-tuned on first.

    `contaminated` tasks contain training or evaluation data of the targets named (leakage) and stand in no
    average of genuine intermediates. `control` marks `more`: as many steps again on the target's own data. `parts` are
    the tasks that `multi` draws its steps from.
    """

    token: str
    kind: str
    published_train: int
    contaminated: tuple[str, ...] = ()
    control: bool = False
    extra: bool = False
    parts: tuple[str, ...] = ()


TARGETS: tuple[TargetTask, ...] = (
    TargetTask("xnli", SENTENCE_PAIR, NLI_LABELS, _XNLI, 392_702),
    TargetTask("pawsx", SENTENCE_PAIR, ("0", "1"), ("en", "de", "es", "fr", "ja", "ko", "zh"), 49_401),
    TargetTask("udpos", TAGGING, (), _UDPOS, 12_544, extra_languages=("sw",)),
    TargetTask("panx", TAGGING, (), _PANX, 20_000),
    TargetTask("xquad", SPAN, (), ("en", "ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh"), 87_599),
    TargetTask("mlqa", SPAN, (), ("en", "ar", "de", "es", "hi", "vi", "zh"), 87_599),
    TargetTask("tydiqa", SPAN, (), ("en", "ar", "bn", "fi", "id", "ko", "ru", "sw", "te"), 3_696),
    TargetTask("bucc", MINING, (), ("de", "fr", "ru", "zh"), 0),
    TargetTask("tatoeba", RETRIEVAL, (), _TATOEBA, 0, pivot="de"),
)

_NINE = (
    IntermediateTask("anli", SENTENCE_PAIR, 1_104_934, contaminated=("xnli",)),
    IntermediateTask("mnli", SENTENCE_PAIR, 392_702, contaminated=("xnli",)),
    IntermediateTask("qqp", SENTENCE_PAIR, 363_846),
    IntermediateTask("squad_v1", SPAN, 87_599, contaminated=("xquad", "mlqa")),
    IntermediateTask("squad_v2", SPAN, 130_319, contaminated=("xquad", "mlqa")),
    IntermediateTask("hellaswag", MULTIPLE_CHOICE, 39_905),
    IntermediateTask("ccg", TAGGING, 38_015),
    IntermediateTask("cosmosqa", MULTIPLE_CHOICE, 25_588),
    IntermediateTask("csqa", MULTIPLE_CHOICE, 9_741),
)

INTERMEDIATES: tuple[IntermediateTask, ...] = (
    IntermediateTask("none", "none", 0),
    *_NINE,
    IntermediateTask(
        "multi", "multi", sum(task.published_train for task in _NINE), contaminated=("xnli", "xquad", "mlqa"),
        parts=tuple(task.token for task in _NINE),
    ),
    IntermediateTask("snli", SENTENCE_PAIR, 550_152, extra=True),
    IntermediateTask("mnli_disjoint", SENTENCE_PAIR, 392_702 // 2, extra=True),
    IntermediateTask("more", "more", 0, control=True, extra=True),
)  # fmt: skip

# The steps of the control `more` equal those of this intermediate task under the same study.
MORE_REFERENCE = "snli"

# Under `mnli_disjoint` the intermediate and the target phase share MNLI's premises out between them.
DISJOINT = "mnli_disjoint"

_TARGETS = {task.token: task for task in TARGETS}
_INTERMEDIATES = {task.token: task for task in INTERMEDIATES}


def target(token: str) -> TargetTask:
    """Return the target task of that token; raises BadInput when there is none."""
    if token not in _TARGETS:
        raise BadInput(f"Got target={token!r}, which is not in the catalog; use one of {', '.join(_TARGETS)}.")
    return _TARGETS[token]


def intermediate(token: str) -> IntermediateTask:
    """Return the intermediate task of that token; raises BadInput when there is none."""
    if token not in _INTERMEDIATES:
        raise BadInput(
            f"Got intermediate={token!r}, which is not in the catalog; use one of {', '.join(_INTERMEDIATES)}."
        )
    return _INTERMEDIATES[token]
