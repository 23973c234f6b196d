"""Target and intermediate tasks: what each trains on, is evaluated on, and whether a loader exists yet."""

from __future__ import annotations

from dataclasses import dataclass

from bench.data.dataset_spec import NLI_LABELS, dataset_spec
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

    `published_train` is the number of English training examples of the published set, for cost estimates.
    """

    token: str
    kind: str
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    published_train: int
    ready: bool = False


@dataclass(frozen=True, slots=True)
class IntermediateTask:
    """A task the encoder is fine-tuned on first.

    `contaminated` tasks contain training or evaluation data of the targets named (SCIENCE: leakage) and stand in no
    average of genuine intermediates. `control` marks `more`: as many steps again on the target's own data.
    """

    token: str
    kind: str
    published_train: int
    contaminated: tuple[str, ...] = ()
    control: bool = False
    extra: bool = False
    ready: bool = False


TARGETS: tuple[TargetTask, ...] = (
    TargetTask("xnli", "sentence_pair", NLI_LABELS, _XNLI, 392_702, ready=True),
    TargetTask("pawsx", "sentence_pair", ("0", "1"), ("en", "de", "es", "fr", "ja", "ko", "zh"), 49_401),
    TargetTask("udpos", "tagging", (), _UDPOS, 12_544),
    TargetTask("panx", "tagging", (), _PANX, 20_000),
    TargetTask("xquad", "span", (), ("en", "ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh"), 87_599),
    TargetTask("mlqa", "span", (), ("en", "ar", "de", "es", "hi", "vi", "zh"), 87_599),
    TargetTask("tydiqa", "span", (), ("en", "ar", "bn", "fi", "id", "ko", "ru", "sw", "te"), 3_696),
    TargetTask("bucc", "retrieval", (), ("de", "fr", "ru", "zh"), 0),
    TargetTask("tatoeba", "retrieval", (), _TATOEBA, 0),
)

INTERMEDIATES: tuple[IntermediateTask, ...] = (
    IntermediateTask("none", "none", 0, ready=True),
    IntermediateTask("anli", "sentence_pair", 1_104_934, contaminated=("xnli",)),
    IntermediateTask("mnli", "sentence_pair", 392_702, contaminated=("xnli",), ready=True),
    IntermediateTask("qqp", "sentence_pair", 363_846),
    IntermediateTask("squad_v1", "span", 87_599, contaminated=("xquad", "mlqa")),
    IntermediateTask("squad_v2", "span", 130_319, contaminated=("xquad", "mlqa")),
    IntermediateTask("hellaswag", "multiple_choice", 39_905),
    IntermediateTask("ccg", "tagging", 38_015),
    IntermediateTask("cosmosqa", "multiple_choice", 25_588),
    IntermediateTask("csqa", "multiple_choice", 9_741),
    IntermediateTask("multi", "multi", 0, contaminated=("xnli", "xquad", "mlqa")),
    IntermediateTask("snli", "sentence_pair", 550_152, extra=True, ready=True),
    IntermediateTask("more", "sentence_pair", 0, control=True, extra=True, ready=True),
)

# The steps of the control `more` equal those of this intermediate task under the same study.
MORE_REFERENCE = "snli"

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
