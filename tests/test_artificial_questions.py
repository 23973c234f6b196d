import pytest

from bench.data.artificial import artificial_split
from bench.data.artificial.corpus import documents
from bench.data.artificial.grammar import language
from bench.data.artificial.meaning import DOMAIN, ENTAILMENT, SLOTS, relation
from bench.data.artificial.question_tasks import QUESTIONS, STYLES, questions

GOLDEN = {
    ("squad_v2", "validation", "w0_src"): "923aca0f9506196f",
    ("xquad", "test", "w0_isx"): "784a7bb629ca0eb2",
    ("mlqa", "test", "w1_agg"): "656316e703a34f0f",
    ("tydiqa", "test", "w0_int"): "435306f54cc42116",
}
TOKENS = ("w0_src", "w0_isx", "w1_isx", "w1_src", "w2_int")


@pytest.mark.parametrize("key", GOLDEN, ids="-".join)
def test_questions_are_drawn_the_same_on_every_machine(key):
    assert artificial_split(*key).fingerprint[:16] == GOLDEN[key]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("task", ["xquad", "mlqa", "tydiqa"])
def test_answers_stand_whole_where_they_are_said_to_start(task, token):
    for example in artificial_split(task, "test", token).examples:
        (answer,) = example.answers
        end = answer.start + len(answer.text)
        assert example.context[answer.start : end] == answer.text
        assert f" {example.context} "[answer.start] == " " == f" {example.context} "[end + 1]


def test_an_answer_is_a_stem_and_its_number_but_no_case_marker():
    speaker, asked = language("w0_isx"), questions(0, "xquad", "test")
    examples = artificial_split("xquad", "test", "w0_isx").examples
    for one, example in zip(asked, examples, strict=True):
        words = speaker.constituents(one.context[one.place])[SLOTS[one.slot]]
        cases = {speaker.markers[case, 0] for case in ("nominative", "accusative", "locative")}
        assert example.answers[0].text.split() == [word for word in words if word not in cases]


@pytest.mark.parametrize("task", list(STYLES))
def test_one_sentence_of_the_context_answers_or_none_does(task):
    split = "test" if task in ("xquad", "mlqa", "tydiqa") else "validation"
    for asked in questions(0, task, split):
        answering = [place for place, said in enumerate(asked.context) if relation(said, asked.question) == ENTAILMENT]
        assert answering == ([asked.place] if asked.answerable else [])
        tree, node = DOMAIN[asked.slot], asked.context[asked.place].nodes[asked.slot]
        assert tree.is_leaf(node)
        assert not tree.is_leaf(asked.question.nodes[asked.slot])
        assert (tree.hypernym(node) == asked.question.nodes[asked.slot]) == asked.answerable


def test_a_third_of_squad_v2_has_no_answer_and_everything_else_one():
    examples = artificial_split("squad_v2", "train", "w0_src").examples
    without = sum(not example.answers for example in examples) / len(examples)
    # An unanswerable question may be refused for another sentence that answers it, so the share is a little lower.
    assert 0.27 < without < 0.36
    for task in ("squad_v1", "tydiqa"):
        assert all(len(example.answers) == 1 for example in artificial_split(task, "train", "w0_src").examples)


def test_xquad_and_mlqa_train_on_squad_v1():
    for split in ("train", "validation"):
        squad = artificial_split("squad_v1", split, "w0_src")
        assert all(artificial_split(task, split, "w0_src") == squad for task in ("xquad", "mlqa"))


def test_questions_are_parallel_and_grouped_by_context():
    source, other = (artificial_split("mlqa", "test", token) for token in ("w0_src", "w0_fus"))
    ids = [[(example.item_id, example.group_id) for example in split.examples] for split in (source, other)]
    assert ids[0] == ids[1]
    for start in range(0, len(source.examples), QUESTIONS):
        group = source.examples[start : start + QUESTIONS]
        assert len({(example.group_id, example.context) for example in group}) == 1
        assert len({example.question for example in group}) == QUESTIONS


def test_splits_share_no_sentence_and_pretraining_none():
    keys = [("squad_v1", "train"), ("squad_v1", "validation"), ("xquad", "test"), ("mlqa", "test")]
    train, validation, *tests = ({s.spelled() for asked in questions(0, *key) for s in asked.context} for key in keys)
    assert not train & validation
    assert not (train | validation) & set.union(*tests)
    corpus = {text.spelled() for document in documents(0, 3000) for text in (document.first, document.second)}
    assert train & corpus == set()


def test_noise_leaves_answers_and_their_starts_right():
    exact, noisy = (artificial_split("tydiqa", "train", "w0_isx", noise) for noise in (0.0, 0.4))
    changed = 0
    for mine, theirs in zip(exact.examples, noisy.examples, strict=True):
        (answer,) = theirs.answers
        assert answer.text == mine.answers[0].text
        assert theirs.context[answer.start : answer.start + len(answer.text)] == answer.text
        changed += mine.context != theirs.context
    assert changed > 0.8 * len(exact.examples)
