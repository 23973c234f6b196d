import pytest

from bench.data.artificial import artificial_split
from bench.data.artificial.corpus import documents
from bench.data.artificial.grammar import language
from bench.data.artificial.meaning import Description
from bench.data.artificial.morphemes import morphemes
from bench.data.artificial.tagging_tasks import POSTERIORS, sentences

TASKS = ("udpos", "panx", "ccg")
GOLDEN = {
    ("udpos", "test", "w0_src"): "4033b3d280492c95",
    ("panx", "test", "w0_isx"): "e9a7a0ca5dff9110",
    ("ccg", "validation", "w1_fus"): "9445d706b3eb716c",
}
# Agent 3 (second class) in the plural with attribute 1, verb 4 in tense 2, patient 5, named place 0.
SAID = Description((3, 1, 1, 4, 2, 5, 0, 0), negated=True)


@pytest.mark.parametrize("key", GOLDEN, ids="-".join)
def test_tags_are_drawn_the_same_on_every_machine(key):
    assert artificial_split(*key).fingerprint[:16] == GOLDEN[key]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("token", ["w0_src", "w0_isx", "w1_isx", "w0_agg", "w2_int"])
def test_every_word_has_a_tag_and_its_posterior(task, token):
    split = artificial_split(task, "validation", token)
    for example in split.examples:
        assert len(example.words) == len(example.tags) == len(example.posterior)
        for tag, posterior in zip(example.tags, example.posterior, strict=True):
            assert len(posterior) == len(split.labels)
            assert sum(posterior) == pytest.approx(1)
            assert posterior[tag] > 0
    said = [language(token).sentence(meaning) for meaning in sentences(int(token[1]), task, "validation")]
    assert [" ".join(example.words) for example in split.examples] == said


@pytest.mark.parametrize("task", TASKS)
def test_tags_follow_their_posterior(task):
    split = artificial_split(task, "validation", "w0_src")
    best = [max(p) for example in split.examples for p in example.posterior]
    right = [
        posterior[tag] == max(posterior)
        for example in split.examples
        for tag, posterior in zip(example.tags, example.posterior, strict=True)
    ]
    # Words of a phrase share one draw, which widens the spread: at most all four of a phrase's.
    spread = 2 * sum(p * (1 - p) for p in best) ** 0.5
    assert abs(sum(right) - sum(best)) < 4 * spread


@pytest.mark.parametrize(("task", "low", "high"), [("udpos", 0.88, 0.94), ("panx", 0.9, 0.97), ("ccg", 0.88, 0.94)])
def test_bayes_accuracy_leaves_room(task, low, high):
    best = [max(p) for example in artificial_split(task, "validation", "w0_src").examples for p in example.posterior]
    assert low <= sum(best) / len(best) <= high


def test_an_annotator_takes_a_stem_for_the_same_in_every_language():
    stems = {}
    for token in ("w0_src", "w0_isx", "w0_int"):
        split = artificial_split("udpos", "test", token)
        stems[token] = [
            {
                word.part: tag
                for word, tag in zip(morphemes(language(token), said), e.tags, strict=True)
                if not word.mark
            }
            for said, e in zip(sentences(0, "udpos", "test"), split.examples, strict=True)
        ]
    assert stems["w0_src"] == stems["w0_isx"] == stems["w0_int"]


def test_an_entity_is_begun_once_and_never_inside_another():
    for token in ("w0_src", "w1_isx", "w2_isx", "w0_fus"):
        split = artificial_split("panx", "test", token)
        for example in split.examples:
            names = [split.labels[tag] for tag in example.tags]
            for before, name in zip(["O", *names], names, strict=False):
                assert not name.startswith("I-") or before[2:] == name[2:]


def tags_of(task, token):
    """Return the likeliest tags of SAID."""
    speaker = language(token)
    words = morphemes(speaker, SAID)
    posteriors = [POSTERIORS[task](speaker, SAID, word) for word in words]
    return [max(posterior, key=posterior.get) for posterior in posteriors]


def test_free_markers_are_words_with_tags_of_their_own():
    assert tags_of("udpos", "w0_src") == ["ADJ", "NOUN", "DET", "PART", "VERB", "AUX", "NOUN", "PROPN"]
    assert tags_of("udpos", "w0_agg") == ["NOUN", "ADJ", "NOUN", "PART", "VERB", "PROPN"]


def test_an_attribute_and_a_number_belong_to_the_entity_and_a_case_at_its_end_does_not():
    assert tags_of("panx", "w0_src") == ["B-PER", "I-PER", "I-PER", "O", "O", "O", "B-ORG", "B-LOC"]
    # Attribute with number and class, agent with number and nominative; verb with tense and agreement; accusative.
    assert tags_of("panx", "w0_isx") == [
        *["B-PER", "I-PER", "I-PER", "I-PER", "I-PER", "O"], "O", *["O"] * 4, "B-ORG", "O", "B-LOC",
    ]  # fmt: skip


def test_categories_say_on_which_side_arguments_stand():
    source = tags_of("ccg", "w0_src")
    assert source == [
        "NP/NP", "N", r"NP\N", r"(S\NP)/(S\NP)", r"(S[dcl]\NP)/NP", r"(S[dcl]\NP)\(S[b]\NP)", "NP", r"S\S",
    ]  # fmt: skip
    assert tags_of("ccg", "w0_agg") == ["NP", r"NP\NP", "NP", r"(S\NP)/(S\NP)", r"(S[dcl]\NP)\NP", r"S\S"]


def test_splits_share_no_sentence_and_pretraining_none():
    said = [{d.spelled() for d in sentences(0, "panx", split)} for split in ("train", "validation", "test")]
    assert sum(map(len, said)) == len(set.union(*said))
    corpus = {text.spelled() for document in documents(0, 3000) for text in (document.first, document.second)}
    assert set.union(*said) & corpus == set()


def test_mistranslated_words_keep_the_tags_of_what_was_meant():
    exact, noisy = (artificial_split("udpos", "train", "w0_agg", noise) for noise in (0.0, 0.3))
    assert [example.tags for example in exact.examples] == [example.tags for example in noisy.examples]
    assert [example.words for example in exact.examples] != [example.words for example in noisy.examples]
