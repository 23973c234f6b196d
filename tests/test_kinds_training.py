"""Every kind of task in the fine-tuning loop: learnt, weighed, chosen by its own score, saved and loaded."""

import copy
import dataclasses
import json

import numpy as np
import pytest
import torch

from bench.data.example import Answer, TaggedSentence
from bench.errors import BadInput
from bench.modeling.encoder import load_encoder
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.scores.tally import task_scores
from bench.training.checkpoint_io import load_classifier, save_classifier
from bench.training.finetune import Part, finetune
from bench.training.protocol import Phase
from bench.training.selection import evaluation
from tests.kinds_factory import make_kind
from tests.tiny_models import make_tiny_model, nli_split
from tests.tiny_splits import MAKERS, TAGS, choice_split, head_of, question_split, tag_split

KINDS = tuple(MAKERS)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"))
    return load_encoder(directory)[0], load_tokenizer(directory)


def phase(**changes):
    plain = {"role": "target", "task": "any", "epochs": 2.0, "batch_size": 12, "learning_rate": 3e-3, "max_length": 24}
    return Phase(**plain | {"dropout": 0.0} | changes)


def trained(tiny, head, train, select=None, seed=0, **options):
    """Return a copy of the encoder after a phase, and its report."""
    encoder = copy.deepcopy(tiny[0])
    chosen = {name: options.pop(name) for name in ("others", "beside", "rule") if name in options}
    return encoder, finetune(encoder, head, tiny[1], train, select, phase(**options), seed, **chosen)


def weights(*modules):
    return torch.cat([weight.detach().flatten() for module in modules for weight in module.parameters()])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("multiple_choice", {"pooling": "mean"}),
        ("tagging", {}),
        ("tagging", {"pooling": "mean", "aggregate": True}),
        ("span", {}),
    ],
)
def test_each_kind_learns_an_easy_rule(tiny, kind, options):
    head, select = head_of(kind, **options), MAKERS[kind](30, "select", first=100)
    encoder, report = trained(tiny, head, MAKERS[kind](60), select, epochs=20.0, evaluate_every=25, learning_rate=1e-2)
    (found,), _ = predict(encoder, head, tiny[1], [select], 24)
    score = next(iter(task_scores(found).values())).value

    assert score >= 0.9
    assert report.collapsed is False
    assert report.history[-1].step == report.steps == 100
    assert max(read.accuracy for read in report.history) == pytest.approx(score)


def test_a_question_without_answer_is_learnt_too(tiny):
    head, select = head_of("span"), question_split(32, "select", first=100, unanswerable=True)
    train = question_split(60, unanswerable=True)
    encoder, _ = trained(tiny, head, train, select, epochs=30.0, evaluate_every=25, learning_rate=1e-2)
    (found,), _ = predict(encoder, head, tiny[1], [select], 24)
    answers = found.columns["answer"]

    assert (
        np.mean([answer == "" for answer, one in zip(answers, select.examples, strict=True) if not one.answers]) > 0.8
    )
    assert found.columns["em"][:, 0].mean() > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_micro_batches_weigh_every_term_alike(tiny, kind):
    # Sentences hold 1 to 7 words: a mean of the micro-batches' means would weigh words of short sentences more. With so
    # large an epsilon the steps of AdamW are in proportion to the gradients, whose rounding it would blow up otherwise.
    def after(micro_batch):
        head = head_of(kind, spread=10)
        encoder, _ = trained(
            tiny, head, MAKERS[kind](40), batch_size=13, micro_batch=micro_batch, learning_rate=0.5, adam_epsilon=1.0,
            epochs=3.0,
        )  # fmt: skip
        return weights(encoder, head)

    whole, parts = after(None), after(5)

    assert torch.allclose(whole, parts, atol=1e-5)
    assert (weights(tiny[0], head_of(kind, spread=10)) - whole).abs().max() > 1e-2


def test_the_loss_of_tags_is_the_mean_over_the_words_of_the_batch(tiny):
    train, head, losses = tag_split(9), head_of("tagging", spread=30), []
    (before,), _ = predict(*tiny[:1], head, tiny[1], [train], 24)
    encoder = copy.deepcopy(tiny[0])
    finetune(
        encoder, head, tiny[1], train, None, phase(batch_size=9, epochs=1.0, micro_batch=2), 0,
        report=lambda seen: losses.append(seen.loss),
    )  # fmt: skip

    assert losses == [pytest.approx(evaluation(0, before).nll, abs=1e-5)]


def test_the_loss_of_spans_is_the_mean_over_starts_and_ends_of_windows(tiny):
    train, head, losses = question_split(5), head_of("span", spread=30), []
    finetune(
        copy.deepcopy(tiny[0]), head, tiny[1], train, None, phase(batch_size=5, epochs=1.0, learning_rate=1e-12), 0,
        report=lambda seen: losses.append(seen.loss),
    )  # fmt: skip
    terms = []
    for one in train.examples:
        row = tiny[1](one.question, one.context)
        with torch.inference_mode():
            scores = head(tiny[0](torch.tensor([row["input_ids"]])).last_hidden_state)[0]
        allowed = [0, *(place for place, text in enumerate(row.sequence_ids()) if text == 1)]
        answer = row.char_to_token(one.answers[0].start, sequence_index=1)
        terms += [-torch.log_softmax(scores[allowed, side], 0)[allowed.index(answer)] for side in range(2)]

    assert losses == [pytest.approx(float(torch.stack(terms).mean()), abs=1e-4)]


def test_a_batch_whose_words_are_all_lost_costs_nothing(tiny):
    train = dataclasses.replace(tag_split(2), examples=(TaggedSentence("i", "g", ("",), (0,)),))
    head = head_of("tagging")
    encoder, report = trained(tiny, head, train, epochs=1.0, weight_decay=0.0)

    assert report.steps == 1
    assert torch.equal(weights(encoder, head), weights(tiny[0], head_of("tagging")))


def test_the_step_of_tags_is_chosen_by_the_f1_of_entities(tiny):
    head, select = head_of("tagging"), tag_split(30, "select", first=100)
    encoder, report = trained(tiny, head, tag_split(60), select, epochs=None, max_steps=4, evaluate_every=1)
    (found,), _ = predict(encoder, head, tiny[1], [select], 24)
    scores = task_scores(found)

    assert max(read.accuracy for read in report.history) == scores["entity_f1"].value
    assert scores["entity_f1"].value != scores["accuracy"].value


def test_an_evaluation_of_tags_without_entities_is_their_accuracy():
    made = make_kind("tagging", 30, names=("ADJ", "NOUN", "VERB"))
    read = evaluation(5, made)
    scores = made.logits.astype(np.float64)
    nll = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(made)), made.labels]

    assert read.accuracy == task_scores(made)["accuracy"].value
    assert read.nll == pytest.approx(nll.mean())


def test_an_evaluation_of_answers_is_their_f1_and_the_log_loss_of_being_right():
    made = make_kind("span", 4)
    logits = np.full((4, 20), -1e4, np.float32)
    # The best has probability 1/2, 3/4, 4/5 and 1.
    logits[:, 0], logits[:3, 1] = 0, np.log([1, 1 / 3, 1 / 4])
    made = dataclasses.replace(made, logits=logits, labels=np.array([1, 1, 0, 1]))
    made.columns["f1"][:, 0] = [1, 1, 0.5, 1]
    read = evaluation(5, made)

    assert read.accuracy == 3.5 / 4
    assert read.nll == pytest.approx((np.log(2) + np.log(4 / 3) + np.log(5) + 0) / 4)
    assert not read.one_class


def test_answers_that_are_never_right_are_called_collapsed():
    made = make_kind("span", 40)
    made.columns["f1"][:] = 0

    assert evaluation(5, made).collapsed(0)
    made.columns["f1"][:, 0] = 0.1
    assert not evaluation(5, made).collapsed(0)


def test_answers_of_the_select_split_are_compared_by_the_rule_of_the_task(tiny):
    head = head_of("span")
    select = question_split(12, "select", first=100)
    # MLQA has no articles for Hindi: its dash goes, which SQuAD's rule keeps.
    asked = tuple(dataclasses.replace(one, answers=(Answer("—sing", one.answers[0].start),)) for one in select.examples)
    select = dataclasses.replace(select, language="hi", examples=asked)
    options = {"epochs": 12.0, "learning_rate": 1e-2, "evaluate_every": 60}
    squad = trained(tiny, head, question_split(60), select, **options)[1].history[-1]
    mlqa = trained(tiny, head_of("span"), question_split(60), select, rule="mlqa", **options)[1].history[-1]

    assert squad.accuracy == 0 < 0.8 < mlqa.accuracy


@pytest.mark.parametrize(
    ("head", "train", "message"),
    [
        ("tagging", tag_split(3), r"Got label=3 for item 'train-1' of split 'train', but its labels are 0 to 2; leave"),
        ("multiple_choice", choice_split(6, choices=4), r"Got label=3 for item 'train-3' of split 'train', but its la"),
    ],
)
def test_labels_that_no_class_stands_for_are_named(tiny, head, train, message):
    if head == "tagging":
        odd = dataclasses.replace(train.examples[1], tags=(0, 3), words=("all", "cats"))
        train = dataclasses.replace(train, examples=(train.examples[0], odd))
    with pytest.raises(BadInput, match=message):
        trained(tiny, head_of(head), train)


def test_labels_of_another_task_are_checked_too(tiny):
    odd = dataclasses.replace(tag_split(2), labels=TAGS[:2])

    with pytest.raises(
        BadInput, match=r"The head has 3 classes, but split 'train' has 2 labels \(O, B-PER\); make the"
    ):
        trained(tiny, head_of("sentence_pair"), nli_split(6), others=[Part(odd, head_of("tagging"))])


def test_several_tasks_train_one_encoder_and_a_head_each(tiny):
    heads = [head_of(kind) for kind in KINDS]
    before = [weights(head) for head in heads]
    parts = [Part(MAKERS[kind](40), head) for kind, head in zip(KINDS[1:], heads[1:], strict=True)]
    encoder, report = trained(tiny, heads[0], nli_split(40), others=parts, epochs=4.0)

    assert report.steps == 4 * -(-160 // 12)
    assert all(not torch.equal(weights(head), old) for head, old in zip(heads, before, strict=True))
    assert not torch.equal(weights(encoder), weights(tiny[0]))
    assert not any(head.training for head in heads)


def test_several_tasks_are_learnt_together(tiny):
    tags, answers = head_of("tagging"), head_of("span")
    select = tag_split(30, "select", first=100)
    encoder, report = trained(
        tiny, tags, tag_split(60), select, others=[Part(question_split(60), answers)], epochs=24.0, learning_rate=1e-2,
        evaluate_every=60,
    )  # fmt: skip
    (tagged,), _ = predict(encoder, tags, tiny[1], [select], 24)
    (answered,), _ = predict(encoder, answers, tiny[1], [question_split(30, "select", first=100)], 24)

    assert task_scores(tagged)["entity_f1"].value >= 0.9
    assert task_scores(answered)["f1"].value >= 0.9
    assert report.collapsed is False


def test_a_task_that_is_never_drawn_leaves_its_head_alone_and_equal_runs_are_equal(tiny):
    def after(seed=0, **options):
        head, other = head_of("tagging"), head_of("span")
        encoder, _ = trained(
            tiny, head, tag_split(60), others=[Part(question_split(1), other)], seed=seed, epochs=None, max_steps=3,
            weight_decay=0.0, **options,
        )  # fmt: skip
        return weights(encoder, head), weights(other)

    along, other = after()
    head = head_of("tagging")
    alone, _ = trained(tiny, head, tag_split(60), epochs=None, max_steps=3, weight_decay=0.0)

    # Three draws at 60 to 1 take the first task: the run is that of the task alone.
    assert torch.equal(other, weights(head_of("span")))
    assert torch.equal(along, weights(alone, head))
    assert torch.equal(along, after()[0])
    # Brought closer together, the other is drawn too.
    assert not torch.equal(other, after(mixing_temperature=1e9)[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("aggregate", [False, True])
def test_a_saved_head_of_each_kind_predicts_as_before(tiny, tmp_path, kind, aggregate):
    head = head_of(kind, pooling="mean", spread=30, aggregate=aggregate)
    if aggregate:
        head.aggregation.query.weight.data.mul_(50)
        head.aggregation.key.weight.data.mul_(50)
    split = MAKERS[kind](9, "test")
    (before,), _ = predict(tiny[0], head, tiny[1], [split], 24)
    save_classifier(tmp_path, tiny[0], head, tiny[1], {"task": "any"})
    loaded = load_classifier(tmp_path)
    (after,), _ = predict(loaded.encoder, loaded.head, loaded.tokenizer, [split], 24)

    assert (loaded.head.kind, loaded.head.pooling, loaded.head.classes) == (kind, "mean", head.classes)
    assert np.array_equal(after.logits, before.logits)
    assert before.logits.std() > 1e-3


def test_an_aggregate_head_reads_all_layers_and_trains(tiny):
    plain, head = head_of("tagging", spread=30), head_of("tagging", spread=30, aggregate=True)
    split = tag_split(9, "test")
    last, every = (predict(tiny[0], one, tiny[1], [split], 24)[0][0].logits for one in (plain, head))
    # Drawn apart: what reads the last layer is the same with and without.
    assert torch.equal(plain.out.weight, head.out.weight)
    assert np.abs(last - every).max() > 1e-3

    before = weights(head.aggregation)
    trained(tiny, head, tag_split(40))
    assert not torch.equal(before, weights(head.aggregation))


def test_a_checkpoint_from_before_there_were_other_kinds_still_loads(tiny, tmp_path):
    head = head_of("sentence_pair", spread=30)
    save_classifier(tmp_path, tiny[0], head, tiny[1], {})
    facts = json.loads((tmp_path / "head.json").read_text())
    del facts["kind"], facts["aggregates"]
    (tmp_path / "head.json").write_text(json.dumps(facts))
    loaded = load_classifier(tmp_path)

    assert torch.equal(weights(loaded.head), weights(head))
    assert (loaded.head.kind, loaded.head.aggregation) == ("sentence_pair", None)
