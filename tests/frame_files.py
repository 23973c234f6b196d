"""Invented data of every target task but XNLI, a few rows each, as a mirror keeps them: English, German and Swahili."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.data_files import Answers, Columns, questions, tagged, write_mirror

_COLOURS = ("red", "old", "far", "low")
_Question = tuple[str, str, str, Answers]


def write_frame(mirror: Path) -> None:
    """Write PAWS-X, UD-POS, PAN-X, XQuAD, MLQA, TyDiQA, Tatoeba and BUCC below `mirror`; SQuAD is left out."""
    for language in ("en", "de"):
        for split, count in {"train": 24, "validation": 16, "test": 20}.items():
            if split != "train" or language == "en":
                write_mirror(mirror, "pawsx", language, split, _paraphrases(language, count))
    for name in ("udpos", "panx"):
        for split, count in {"train": 24, "validation": 12, "test": 8}.items():
            write_mirror(mirror, name, "en", split, _tagged(name, "en", count))
        write_mirror(mirror, name, "de", "test", _tagged(name, "de", 8))
    write_mirror(mirror, "panx", "sw", "test", _tagged("panx", "sw", 8))
    write_mirror(mirror, "udpos_sw", "sw", "test", _tagged("udpos", "sw", 8))
    for language in ("en", "de"):
        write_mirror(mirror, "xquad", language, "validation", questions(_asked(language, 5)))
    write_mirror(mirror, "mlqa", "en", "test", questions(_asked("en", 5)))
    write_mirror(mirror, "mlqa", "de", "test", questions(_asked("de", 3)))
    write_mirror(mirror, "tydiqa", "en", "train", questions(_asked("english", 40)))
    write_mirror(mirror, "tydiqa", "en", "validation", questions([*_asked("english", 5), *_asked("swahili", 5)]))
    for language, code in {"de": "deu", "sw": "swh"}.items():
        write_mirror(mirror, "tatoeba", language, "validation", _translations(language, code, 14))
    _write_bucc(mirror, 48)


def _paraphrases(language: str, count: int) -> Columns:
    texts = [f"{language} box {number} is red" for number in range(count)]
    other = [text if number % 2 else f"claim on {number}" for number, text in enumerate(texts)]
    labels = [number % 2 for number in range(count)]
    return {"id": list(range(1, count + 1)), "sentence1": texts, "sentence2": other, "label": labels}


def _tagged(name: str, language: str, count: int) -> Columns:
    # Noun, numeral, auxiliary, adjective; or a place of two words and, in every third sentence, a person.
    return tagged(name, [(f"box {number} is {language}", _tags(name, number)) for number in range(count)])


def _tags(name: str, number: int) -> list[int]:
    if name == "udpos":
        return [7, 8, 3, 0]
    return [5, 6, 0, 1] if number % 3 == 0 else [5, 6, 0, 0]


def _asked(prefix: str, contexts: int) -> list[_Question]:
    """Return two questions on each of so many paragraphs, with ids that begin with a language as TyDiQA's do."""
    return list(_two_each(prefix if len(prefix) > 2 else "item", prefix, contexts))


def _two_each(name: str, language: str, contexts: int) -> Iterator[_Question]:
    for number in range(contexts):
        colour = _COLOURS[number % len(_COLOURS)]
        context = f"{language} box {number} is {colour} on claim {number}"
        yield f"{name}-{number}-0", context, f"what is box {number}", [(colour, context.index(colour))]
        claim = f"claim {number}"
        yield f"{name}-{number}-1", context, f"on what is box {number}", [(claim, context.index(claim))]


def _translations(language: str, code: str, count: int) -> Columns:
    return {
        "source_sentence": [f"{language} box {number}" for number in range(count)],
        "target_sentence": [f"test box {number}" for number in range(count)],
        "source_lang": [code] * count,
        "target_lang": ["eng"] * count,
    }


def _write_bucc(mirror: Path, count: int) -> None:
    numbers = range(count)
    corpora = {"source": ("de", "de box {} is"), "target": ("en", "test box {} is")}
    for split, (prefix, text) in corpora.items():
        columns = {"id": [f"{prefix}-{number}" for number in numbers], "text": [text.format(n) for n in numbers]}
        write_mirror(mirror, "bucc", "de", split, columns)
    pairs = {"source_id": [f"de-{n}" for n in numbers[::2]], "target_id": [f"en-{n}" for n in numbers[::2]]}
    write_mirror(mirror, "bucc_gold", "de", "gold", pairs)
