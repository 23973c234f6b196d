"""Small parquet files as the hub keeps them, one set for each data set, with invented sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.dataset_spec import DATASETS

Columns = Mapping[str, Sequence[Any]]
Answers = Sequence[tuple[str, int]]

# Which columns the hub's files describe as labels, and how: on their own, or as the elements of a list in the spelling
# of older and of newer versions of the library.
_LABELS = {
    "xnli": "label", "mnli": "label", "snli": "label", "anli": "label", "qqp": "label", "pawsx": "label",
    "udpos": "pos_tags", "panx": "ner_tags",
}  # fmt: skip
_LISTS = {"udpos": "List", "panx": "Sequence"}


def write_columns(path: Path, columns: Columns, names: Mapping[str, Any] | None = None) -> Path:
    """Write `columns` as one parquet file; `names` are the features that the `datasets` library would note in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    if names is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": names}})})
    pq.write_table(table, path)
    return path


def features(name: str, labels: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the features of a data set as the hub's files state them, with other `labels` if given."""
    spec = DATASETS[name]
    found: dict[str, Any] = {column: {"dtype": "string", "_type": "Value"} for column, _ in spec.columns}
    if name in _LABELS:
        feature: dict[str, Any] = {"names": list(labels or spec.labels), "_type": "ClassLabel"}
        if name in _LISTS:
            feature = {"feature": feature, "_type": _LISTS[name]}
        found[_LABELS[name]] = feature
    return found


def write_hub(root: Path, name: str, language: str, published: str, columns: Columns) -> Path:
    """Write one split as the hub keeps it, below `root`/<repository>."""
    spec = DATASETS[name]
    stem = spec.hub_stem(language, published)
    file = f"{stem}.parquet" if stem.endswith("0000") else f"{stem}-00000-of-00001.parquet"
    return write_columns(root / spec.repo / file, columns, features(name))


def write_mirror(root: Path, name: str, language: str, published: str, columns: Columns) -> Path:
    """Write one split as a mirror keeps it, below `root`."""
    return write_columns(root / DATASETS[name].mirror_file(language, published), columns)


def questions(rows: Iterable[tuple[str, str, str, Answers]]) -> Columns:
    """Return rows of (id, context, question, answers) as the columns of a data set of questions."""
    ids, contexts, asked, answers = zip(*rows, strict=True)
    kind = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
    structs = [{"text": [text for text, _ in each], "answer_start": [start for _, start in each]} for each in answers]
    return {"id": ids, "context": contexts, "question": asked, "answers": pa.array(structs, kind)}


def tagged(name: str, rows: Iterable[tuple[str, Sequence[Any]]]) -> Columns:
    """Return sentences of words joined by single spaces, with their tags, as the columns of a data set of tags."""
    sentences, tags = zip(*rows, strict=True)
    tokens = [sentence.split(" ") for sentence in sentences]
    columns = {"tokens": tokens, DATASETS[name].label_column: list(tags)}
    return columns | {"langs": [["xx"] * len(words) for words in tokens]} if name == "panx" else columns


def inferences(rows: Iterable[tuple[str, str, int]], **more: Sequence[Any]) -> Columns:
    """Return rows of (premise, hypothesis, label), and further columns."""
    premises, hypotheses, labels = zip(*rows, strict=True)
    return {"premise": premises, "hypothesis": hypotheses, "label": labels, **more}


PARK = "The park opened in 1901 and closed in 1950."
LAKE = "A lake lies north of the town."
UNSAID = pa.array([None], pa.string())
HUB: tuple[tuple[str, str, str, Columns], ...] = (
    ("xnli", "sw", "test", inferences([("a box", f"claim {label}", label) for label in range(3)])),
    ("mnli", "en", "train", inferences([("a dog", "an animal", 0), ("a dog", "a cat", 2)], idx=[0, 1])),
    ("mnli", "en", "validation_matched", inferences([("a hat", "a red hat", 1)], idx=[0])),
    ("snli", "en", "train", inferences([("a cup", "a thing", 0), ("a cup", "unclear", -1)])),
    *(
        ("anli", "en", f"train_r{number}", inferences([(f"r{number}", "x", 1)], uid=["u"], reason=UNSAID))
        for number in (1, 2)
    ),
    ("anli", "en", "train_r3", inferences([("r3", "x", 2), ("r3", "y", 0)], uid=["u", "v"], reason=["", "why"])),
    (
        "qqp", "en", "train",
        {"question1": ["Why?", "How?"], "question2": ["Why so?", "Who?"], "label": [1, 0], "idx": [0, 1]},
    ),
    (
        "pawsx", "de", "test",
        {"id": [7, 9], "sentence1": ["eins", "drei"], "sentence2": ["zwei", "vier"], "label": [0, 1]},
    ),
    (
        "hellaswag", "en", "train",
        {"ctx": ["He sits and"], "endings": [["a", "b", "c", "d"]], "label": ["3"], "ind": pa.array([4], pa.int32())},
    ),
    (
        "cosmosqa", "en", "train",
        {
            "id": ["x"], "context": ["It rained."], "question": ["Why?"], "answer0": ["a"], "answer1": ["b"],
            "answer2": ["c"], "answer3": ["d"], "label": pa.array([1], pa.int32()),
        },
    ),
    (
        "csqa", "en", "train",
        {
            "id": ["x"], "question": ["Where is it?"], "question_concept": ["it"],
            "choices": [{"label": list("ABCDE"), "text": ["here", "there", "up", "down", "out"]}], "answerKey": ["B"],
        },
    ),
    ("udpos", "tr", "test", tagged("udpos", [("Bu bir ev .", [10, 5, 7, 12])])),
    ("panx", "sw", "test", tagged("panx", [("Asha Juma alikwenda Lamu", [1, 2, 0, 5])])),
    ("squad_v1", "en", "train", questions([("q1", PARK, "When did it open?", [("1901", 19)])])),
    (
        "squad_v1", "en", "validation",
        questions([("q2", PARK, "When?", [("1901", 19), ("in 1901", 16)]), ("q3", LAKE, "Where?", [("north", 12)])]),
    ),
    ("squad_v2", "en", "train", questions([("q4", LAKE, "Who?", []), ("q5", LAKE, "Where?", [("north", 12)])])),
    ("xquad", "en", "validation", questions([("q2", PARK, "When?", [("1901", 19)])])),
    ("xquad", "ru", "validation", questions([("q2", "Парк открыт в 1901.", "Когда?", [("1901", 14)])])),
    ("mlqa", "en", "test", questions([("m1", LAKE, "Where?", [("north", 12)]), ("m2", PARK, "When?", [("1901", 19)])])),
    ("mlqa", "vi", "test", questions([("m2", "Công viên mở năm 1901.", "Khi nào?", [("1901", 17)])])),
    (
        "tydiqa", "sw", "validation",
        questions([("english-1", LAKE, "Where?", [("north", 12)]), ("swahili-1", "Ni ziwa.", "Nini?", [("ziwa", 3)])]),
    ),
    (
        "tatoeba", "sw", "validation",
        {
            "source_sentence": ["Habari?"], "target_sentence": ["What news?"], "source_lang": ["swh"],
            "target_lang": ["eng"],
        },
    ),
)  # fmt: skip


def write_all_of_the_hub(root: Path) -> None:
    """Write every split of `HUB` below `root`."""
    for name, language, published, columns in HUB:
        write_hub(root, name, language, published, columns)
