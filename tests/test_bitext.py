import hashlib

import pytest

from bench.data.bitext import read_bucc, read_tatoeba, require_bucc
from bench.data.dataset_spec import DATASETS
from bench.data.sources import Access
from bench.errors import BadInput, DataError, Unavailable
from tests.data_files import write_mirror


def write_tatoeba(mirror, language, code, rows, target="eng"):
    texts, english = zip(*rows, strict=True)
    columns = {"source_sentence": texts, "target_sentence": english, "source_lang": [code] * len(rows)}
    write_mirror(mirror, "tatoeba", language, "validation", {**columns, "target_lang": [target] * len(rows)})


def tatoeba(mirror, language, split="test"):
    return read_tatoeba(DATASETS["tatoeba"], split, language, Access((mirror,)))


def write_bucc(mirror, source, target, gold):
    for name, rows in (("source", source), ("target", target)):
        write_mirror(mirror, "bucc", "zh", name, {"id": [key for key, _ in rows], "text": [text for _, text in rows]})
    columns = {"source_id": [own for own, _ in gold], "target_id": [other for _, other in gold]}
    write_mirror(mirror, "bucc_gold", "zh", "gold", columns)


def bucc(mirror, split="test", language="zh"):
    return read_bucc(DATASETS["bucc"], split, language, Access((mirror,)))


def half_of(text):
    return ("validation", "test")[int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 2]


def test_a_sentence_has_its_english_translation_as_pivot(tmp_path):
    write_tatoeba(tmp_path, "sw", "swh", [("Habari?", "What news?"), ("Asante.", "Thanks.")])
    first, second = tatoeba(tmp_path, "sw").examples
    assert (first.item_id, first.text, first.pivot) == ("sw-test-0", "Habari?", "What news?")
    assert second.item_id == "sw-test-1"
    assert tatoeba(tmp_path, "sw").kind == "retrieval"


def test_equal_english_sentences_are_one_group_in_every_language(tmp_path):
    write_tatoeba(tmp_path, "sw", "swh", [("Asante.", "Thanks."), ("Ndiyo.", "Yes."), ("Shukrani.", "Thanks.")])
    write_tatoeba(tmp_path, "tr", "tur", [("Evet.", "Yes.")])
    names = [item.group_id for item in tatoeba(tmp_path, "sw").examples]
    assert names[0] == names[2] == hashlib.sha256(b"Thanks.").hexdigest()[:16]
    assert names[1] == tatoeba(tmp_path, "tr").examples[0].group_id != names[0]


def test_a_target_that_is_not_english_is_an_error(tmp_path):
    write_tatoeba(tmp_path, "sw", "swh", [("Yes.", "Ndiyo.")], target="swh")
    with pytest.raises(DataError, match="row 0 has 'swh' in column 'target_lang', expected 'eng'; fetch"):
        tatoeba(tmp_path, "sw")


@pytest.mark.parametrize("split", ["train", "validation"])
def test_tatoeba_is_all_test(tmp_path, split):
    with pytest.raises(BadInput, match=rf"Got split='{split}', but google/xtreme has: test\."):
        tatoeba(tmp_path, "sw", split)


def test_the_halves_of_bucc_share_no_sentence_and_keep_translations_together(tmp_path):
    foreign = [(f"zh-{index}", f"句子 {index}") for index in range(60)]
    english = [(f"en-{index}", f"sentence {index}") for index in range(80)]
    gold = [(f"zh-{index}", f"en-{index + 20}") for index in range(30)]
    write_bucc(tmp_path, foreign, english, gold)
    halves = [bucc(tmp_path, split) for split in ("validation", "test")]
    for half in halves:
        names = {item.item_id for item in half.examples}
        paired = [item for item in half.examples if item.partner]
        assert {item.partner for item in paired} <= names
        assert len(paired) > 20
        assert all(item.group_id == item.item_id for item in half.examples)
    assert len(halves[0].examples) + len(halves[1].examples) == 140
    texts = [{item.text for item in half.examples} for half in halves]
    assert not texts[0] & texts[1]
    translations = {english: foreign for foreign, english in gold}
    for text in (text for name, text in english if name not in translations):
        assert text in texts[("validation", "test").index(half_of(text))]


def test_a_sentence_of_bucc_says_its_corpus_and_its_partner(tmp_path):
    text = next(f"word {index}" for index in range(9) if half_of(f"word {index}") == "test")
    write_bucc(tmp_path, [("zh-1", "词")], [("en-1", text)], [("zh-1", "en-1")])
    chinese, english = bucc(tmp_path).examples
    assert (chinese.item_id, chinese.text, chinese.in_pivot, chinese.partner) == (
        "zh-test-zh-1",
        "词",
        False,
        "zh-test-en-1",
    )
    assert (english.item_id, english.text, english.in_pivot, english.partner) == (
        "zh-test-en-1",
        text,
        True,
        "zh-test-zh-1",
    )
    provenance = bucc(tmp_path).provenance
    assert provenance.note.endswith("development corpora halved: BUCC's test gold is not public")
    assert provenance.flags == ("dev_as_test",)
    assert [path for path, _ in provenance.files] == [
        f"datasets/bucc2018/zh-en/{name}.parquet" for name in ("source", "target", "gold")
    ]


@pytest.mark.parametrize(
    ("gold", "reason"),
    [
        ([("zh-9", "en-1")], "row 0 pairs zh-9 and en-1, which are not both in the corpora"),
        ([("zh-1", "en-9")], "row 0 pairs zh-1 and en-9, which are not both in the corpora"),
        ([("zh-1", "en-1"), ("zh-1", "en-2")], "row 1 pairs zh-1 and en-2, one of which is in a pair already"),
        ([("zh-1", "en-1"), ("zh-2", "en-1")], "row 1 pairs zh-2 and en-1, one of which is in a pair already"),
    ],
)
def test_a_gold_pair_that_does_not_fit_the_corpora_is_an_error(tmp_path, gold, reason):
    write_bucc(tmp_path, [("zh-1", "一"), ("zh-2", "二")], [("en-1", "one"), ("en-2", "two")], gold)
    with pytest.raises(DataError, match=reason):
        bucc(tmp_path)


def test_bucc_without_corpora_says_how_to_provide_them(tmp_path):
    for attempt in (read_bucc, require_bucc):
        with pytest.raises(Unavailable, match=r"needs data: datasets/bucc2018/de-en/source.parquet .*docs/data.md"):
            attempt(DATASETS["bucc"], "test", "de", Access((tmp_path,), hub_allowed=True))


def test_bucc_trains_nothing(tmp_path):
    with pytest.raises(BadInput, match=r"Got split='train', but bucc2018 has: validation test\."):
        bucc(tmp_path, "train")
