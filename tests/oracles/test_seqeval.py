"""seqeval 1.2.2, which XTREME scores PAN-X and UD-POS with."""

import os
import random
import warnings
from itertools import chain
from pathlib import Path

import pytest

pytest.importorskip("seqeval")

from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities

from bench.calibration.entities import entities
from bench.scores.entities import count_entities

NER = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
POS = [
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT"),
    *("SCONJ", "SYM", "VERB", "X", "_"),
]
ODD = ["O", "B", "I", "E", "S", "E-A", "S-A", "B-A", "I-A", "I-B-A", ".", "X", "-"]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*seems not to be NE tag")
        yield


def sentences(names, draw, count=30):
    return [[draw.choice(names) for _ in range(draw.randrange(1, 9))] for _ in range(count)]


def perturbed(gold, names, draw):
    return [[draw.choice(names) if draw.random() < 0.2 else tag for tag in sentence] for sentence in gold]


def assert_same_f1(predicted, gold):
    sentence = [number for number, tags in enumerate(gold) for _ in tags]
    found = count_entities(list(chain(*predicted)), list(chain(*gold)), sentence)
    assert found.f1 == pytest.approx(f1_score(gold, predicted, zero_division=0))


@pytest.mark.parametrize("names", [NER, POS, ODD], ids=["ner", "pos", "odd"])
@pytest.mark.parametrize("seed", range(20))
def test_random_sequences_have_the_same_entities(names, seed):
    draw = random.Random(seed)
    gold = sentences(names, draw)
    for tags in gold:
        assert entities(tags) == set(get_entities(tags))
    assert_same_f1(perturbed(gold, names, draw), gold)


@pytest.mark.mirror
@pytest.mark.skipif(not os.environ.get("CROSSCAL_MIRROR"), reason="needs data: CROSSCAL_MIRROR names no mirror")
@pytest.mark.parametrize(("pattern", "column"), [("PAN-X.*", "ner_tags"), ("udpos.*", "pos_tags")])
def test_real_tags_have_the_same_f1(pattern, column):
    import pyarrow.parquet as pq

    root = Path(os.environ["CROSSCAL_MIRROR"].split(os.pathsep)[0]) / "datasets/google/xtreme"
    paths = sorted(root.glob(f"{pattern}/test.parquet"))
    assert len(paths) >= 3
    for number, path in enumerate(paths):
        rows = pq.read_table(path, columns=[column]).slice(0, 100)[column].to_pylist()
        names = NER if column == "ner_tags" else POS
        gold = [[names[tag] if isinstance(tag, int) else tag for tag in tags] for tags in rows if tags]
        assert_same_f1(perturbed(gold, names, random.Random(number)), gold)
