from collections import Counter

import pytest

from bench.data import real
from bench.data.dataset_spec import DATASETS, dataset_spec
from bench.data.example import Provenance
from bench.data.mirror import find_file, mirrors_from_environment
from bench.data.real import TASKS, load_real, require_real
from bench.data.sources import Access, joint_provenance
from bench.errors import BadInput, DataError, Unavailable
from tests.data_files import LAKE, PARK, questions, tagged, write_columns, write_mirror
from tests.nli_files import triples, write_nli

NORTH = [("north", 12)]


def write_squad(mirror):
    for published in ("train", "validation"):
        write_mirror(mirror, "squad_v1", "en", published, questions([(published, LAKE, "?", NORTH)]))


def write_tydiqa(mirror):
    rows = [(f"english-{index}", f"{LAKE} {index}", "?", NORTH) for index in range(60)]
    for published in ("train", "validation"):
        write_mirror(mirror, "tydiqa", "en", published, questions(rows))


@pytest.mark.parametrize("target", ["xquad", "mlqa"])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_xquad_and_mlqa_train_and_are_selected_on_squad(tmp_path, target, split):
    write_squad(tmp_path)
    access = Access((tmp_path,))
    require_real(target, split, "en", access)
    assert load_real(target, split, "en", access) == load_real("squad_v1", split, "en", access)


@pytest.mark.parametrize("attempt", [load_real, require_real])
def test_a_development_set_that_no_data_set_has_is_unavailable(tmp_path, attempt):
    write_squad(tmp_path)
    reason = "needs data: xquad has no validation split in tr: it takes squad_v1's, which is English"
    with pytest.raises(Unavailable, match=reason):
        attempt("xquad", "validation", "tr", Access((tmp_path,)))
    with pytest.raises(Unavailable, match="needs data: udpos has no validation split in sw"):
        attempt("udpos", "validation", "sw", Access((tmp_path,)))


@pytest.mark.parametrize("task", ["squad_v1", "xquad", "mlqa"])
def test_a_substitute_is_noted_and_flagged(tmp_path, task):
    write_tydiqa(tmp_path)
    access, substitutes = Access((tmp_path,)), {"squad_v1": "tydiqa"}
    require_real(task, "train", "en", access, substitutes)
    split = load_real(task, "train", "en", access, substitutes)
    assert split.examples == load_real("tydiqa", "train", "en", access).examples
    assert split.provenance.flags == ("substitute_train",)
    assert split.provenance.note.endswith("tydiqa stands in for squad_v1")


def test_no_substitute_is_taken_without_being_named(tmp_path):
    write_tydiqa(tmp_path)
    for attempt in (load_real, require_real):
        with pytest.raises(Unavailable, match=r"needs hub: datasets/rajpurkar/squad/plain_text/train.parquet"):
            attempt("xquad", "train", "en", Access((tmp_path,)))


def test_a_substitute_stands_in_for_no_test_set(tmp_path):
    write_tydiqa(tmp_path)
    write_mirror(tmp_path, "xquad", "en", "validation", questions([("q", PARK, "?", [("1901", 19)])]))
    split = load_real("xquad", "test", "en", Access((tmp_path,)), {"xquad": "tydiqa"})
    assert [item.item_id for item in split.examples] == ["test-q"]


def test_swahili_parts_of_speech_come_from_a_treebank_of_their_own(tmp_path):
    write_mirror(tmp_path, "udpos_sw", "sw", "test", tagged("udpos", [("Ni ziwa", [3, 7])]))
    require_real("udpos", "test", "sw", Access((tmp_path,)))
    split = load_real("udpos", "test", "sw", Access((tmp_path,)))
    assert (split.labels, split.examples[0].item_id) == (DATASETS["udpos"].labels, "sw-test-0")


def test_anli_needs_each_of_its_parts(tmp_path):
    write_nli(tmp_path / "datasets/stanfordnlp/snli/plain_text/train.parquet", triples(2))
    with pytest.raises(Unavailable, match=r"needs hub: datasets/nyu-mll/glue/mnli/train.parquet"):
        require_real("anli", "train", "en", Access((tmp_path,)))
    with pytest.raises(BadInput, match=r"Got split='test', but anli has: train validation\."):
        load_real("anli", "test", "en", Access((tmp_path,)))


def test_ccg_validation_needs_train_for_its_labels(tmp_path):
    write_mirror(tmp_path, "ccg", "en", "validation", tagged("ccg", [("Go", ["S"])]))
    with pytest.raises(Unavailable, match=r"datasets/ccgbank/ccg/train.parquet is in no mirror"):
        require_real("ccg", "validation", "en", Access((tmp_path,)))


def test_an_unknown_task_is_named_with_what_there_is():
    for attempt in (load_real, require_real):
        with pytest.raises(BadInput, match=r"Got task='sst2', but the tasks with real data are: xnli pawsx .* anli\."):
            attempt("sst2", "train", "en", Access())


@pytest.mark.parametrize("task", TASKS)
def test_nothing_at_hand_is_unavailable_for_every_task(task):
    split = "test" if task in {"xquad", "mlqa", "tatoeba", "bucc"} else "train"
    language = "zh" if task in {"tatoeba", "bucc"} else "en"
    for attempt in (load_real, require_real):
        with pytest.raises(Unavailable):
            attempt(task, split, language, Access())


@pytest.mark.parametrize("task", TASKS)
def test_a_language_a_task_lacks_is_named(task):
    split = "validation" if task == "bucc" else "test" if task == "tatoeba" else "train"
    for attempt in (load_real, require_real):
        with pytest.raises(BadInput, match=r"Got language='xx', but .* has: "):
            attempt(task, split, "xx", Access())


def test_a_requirement_reads_no_file(tmp_path):
    write_columns(tmp_path / DATASETS["panx"].mirror_file("en", "train"), {"something": ["else"]})
    require_real("panx", "train", "en", Access((tmp_path,)))
    with pytest.raises(DataError, match="has no column 'tokens'"):
        load_real("panx", "train", "en", Access((tmp_path,)))


def test_the_parts_of_a_joint_provenance_are_all_kept():
    parts = [
        Provenance("mirror", (("a", "1"),), subset=True, note="SUBSET", flags=("x",)),
        Provenance("stand-in", (("b", "2"),)),
        Provenance("mirror", note="other", flags=("x", "y")),
    ]
    expected = Provenance("stand-in", (("a", "1"), ("b", "2")), subset=True, note="SUBSET; other", flags=("x", "y"))
    assert joint_provenance(parts) == expected
    assert joint_provenance(parts[:1] + parts[2:]).origin == "mirror"


def test_every_task_but_anli_has_one_reader():
    assert set(TASKS) - set(real.READERS) == {"anli"}


# Real content: what the mirror at hand holds, read once for each of its splits.


@pytest.fixture(scope="module")
def access():
    found = mirrors_from_environment()
    if find_file(found, "datasets/google/xtreme/PAN-X.en/train.parquet") is None:
        pytest.skip("needs data: no mirror in CROSSCAL_MIRROR has PAN-X")
    return Access(found)


def sizes(access, task, split, languages):
    return [len(load_real(task, split, language, access).examples) for language in languages]


@pytest.mark.mirror
def test_real_paws_x(access):
    assert sizes(access, "pawsx", "test", ("de", "zh")) == [2000, 2000]
    assert sizes(access, "pawsx", "test", ("en", "es", "fr", "ja", "ko")) == [1983] * 5
    german, chinese, english = (load_real("pawsx", "test", code, access) for code in ("de", "zh", "en"))
    names = [{item.item_id for item in split.examples} for split in (german, chinese, english)]
    assert names[0] == names[1]
    assert not names[0] & names[2]
    assert Counter(item.label for item in german.examples)[1] in range(800, 1000)
    assert load_real("pawsx", "train", "en", access).provenance.subset


@pytest.mark.mirror
def test_real_entities(access):
    assert sizes(access, "panx", "train", ("en",)) == [20_000]
    assert sizes(access, "panx", "test", ("en", "ru", "tr")) == [2000] * 3
    assert sizes(access, "panx", "test", ("hi", "sw", "ur")) == [500] * 3
    swahili = load_real("panx", "test", "sw", access)
    assert {tag for item in swahili.examples for tag in item.tags} == set(range(7))
    assert swahili.provenance.subset
    assert not load_real("panx", "train", "en", access).provenance.subset


@pytest.mark.mirror
def test_real_parts_of_speech(access):
    assert [sizes(access, "udpos", split, ("en",)) for split in ("train", "validation", "test")] == [
        [12_544], [2001], [2077]
    ]  # fmt: skip
    assert sizes(access, "udpos", "test", ("tr", "hi", "sw")) == [1000, 1000, 553]
    english = load_real("udpos", "test", "en", access)
    assert {tag for item in english.examples for tag in item.tags} == set(range(17))
    words = Counter(
        (word, english.labels[tag])
        for item in english.examples
        for word, tag in zip(item.words, item.tags, strict=True)
    )
    assert words["the", "DET"] > 100
    assert words["the", "NOUN"] == 0


def misplaced(split):
    return sum(
        not item.context.startswith(answer.text, answer.start) for item in split.examples for answer in item.answers
    )


@pytest.mark.mirror
def test_real_xquad_is_parallel_and_every_answer_is_at_its_start(access):
    english = load_real("xquad", "test", "en", access)
    assert (len(english.examples), len({item.group_id for item in english.examples})) == (1190, 240)
    for language in dataset_spec("xquad").languages:
        other = load_real("xquad", "test", language, access)
        assert [(item.item_id, item.group_id) for item in other.examples] == [
            (item.item_id, item.group_id) for item in english.examples
        ]
        assert misplaced(other) == 0


@pytest.mark.mirror
def test_real_mlqa(access):
    languages = ("en", "ar", "de", "es", "hi", "vi", "zh")
    splits = [load_real("mlqa", "test", language, access) for language in languages]
    assert [len(split.examples) for split in splits] == [1148, 517, 512, 500, 507, 511, 504]
    assert [misplaced(split) for split in splits] == [0] * 7
    english = {item.item_id: item.group_id for item in splits[0].examples}
    assert all(english[item.item_id] == item.group_id for split in splits for item in split.examples)
    assert all(split.provenance.flags == ("dev_as_test",) for split in splits)


@pytest.mark.mirror
def test_real_tydiqa(access):
    sizes_of = {"en": 440, "ar": 921, "bn": 113, "fi": 782, "id": 565, "ko": 276, "ru": 812, "sw": 499, "te": 669}
    for language, size in sizes_of.items():
        # Every answer of this file is the empty string: scored, it would only say how often a model answers nothing.
        with pytest.raises(Unavailable, match=f"withholds the answers of all {size} test questions in {language}:"):
            load_real("tydiqa", "test", language, access)
    train, validation = (load_real("tydiqa", split, "en", access) for split in ("train", "validation"))
    assert len(train.examples) + len(validation.examples) == 3696
    assert 300 < len(validation.examples) < 440
    assert not {item.context for item in train.examples} & {item.context for item in validation.examples}


@pytest.mark.mirror
def test_real_tatoeba(access):
    languages = ("ar", "de", "tr", "zh", "sw", "th")
    assert sizes(access, "tatoeba", "test", languages) == [1000, 1000, 1000, 1000, 390, 548]
    german = load_real("tatoeba", "test", "de", access)
    assert len({item.pivot for item in german.examples}) == len({item.group_id for item in german.examples}) == 1000


@pytest.mark.mirror
def test_real_bucc(access):
    halves = [load_real("bucc", split, "zh", access) for split in ("validation", "test")]
    counts = [Counter((item.in_pivot, bool(item.partner)) for item in half.examples) for half in halves]
    whole = counts[0] + counts[1]
    assert whole[True, True] == whole[False, True] == 257
    assert (whole[False, False], whole[True, False]) == (8624 - 257, 13_589 - 257)
    assert all(90 < count[True, True] == count[False, True] for count in counts)
    assert not {item.text for item in halves[0].examples} & {item.text for item in halves[1].examples}


@pytest.mark.mirror
def test_real_intermediate_tasks(access):
    assert sizes(access, "mnli", "train", ("en",)) == [10_071]
    assert sizes(access, "snli", "train", ("en",)) == [9824]
    cosmos = load_real("cosmosqa", "train", "en", access)
    assert (len(cosmos.examples), cosmos.provenance.subset) == (2385, True)
    assert {len(item.choices) for item in cosmos.examples} == {4}
    assert min(Counter(item.label for item in cosmos.examples).values()) > 500
