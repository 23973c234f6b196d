"""The fine-tuning loop: it learns, repeats itself to the byte, keeps its best step, leaves nothing changed behind."""

import copy

import numpy as np
import pytest
import torch

from bench.data.example import Example, Provenance, Split
from bench.errors import BadInput, TrainingFailed
from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.training.finetune import finetune
from bench.training.protocol import Phase
from bench.training.selection import Best, Evaluation, evaluation
from tests.prediction_factory import from_logits
from tests.tiny_models import make_tiny_model, nli_split

TRAIN = nli_split(60)
SELECT = nli_split(30, "select", first=200)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def parts(directory):
    return load_encoder(directory)[0], new_head(16, 3, seed=0, role="target"), load_tokenizer(directory)


def fresh(parts):
    encoder, head, tokenizer = parts
    return copy.deepcopy(encoder), copy.deepcopy(head), tokenizer


def phase(**changes):
    return Phase(
        **{"role": "target", "task": "xnli", "epochs": 2.0, "batch_size": 12, "learning_rate": 3e-3, "max_length": 24}
        | changes
    )


def state(*modules):
    return [weight.detach().clone() for module in modules for weight in module.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_it_learns_what_the_first_word_tells(parts):
    encoder, _, tokenizer = fresh(parts)
    head = new_head(16, 3, seed=0, role="target", pooling="mean")
    report = finetune(encoder, head, tokenizer, TRAIN, SELECT, phase(epochs=40.0, dropout=0.0, evaluate_every=20), 0)
    (found,), _ = predict(encoder, head, tokenizer, [SELECT], 24)

    assert np.mean(found.logits.argmax(axis=1) == [example.label for example in SELECT.examples]) >= 0.9
    assert report.collapsed is False
    assert report.steps == report.history[-1].step == 200


def test_equal_arguments_give_equal_weights_and_another_seed_gives_others(parts):
    def weights(seed):
        encoder, head, tokenizer = fresh(parts)
        finetune(encoder, head, tokenizer, TRAIN, SELECT, phase(), seed)
        return state(encoder, head)

    first = weights(0)
    torch.rand(3)

    assert same(first, weights(0))
    assert not same(first, weights(1))


def test_torch_s_random_state_and_the_dropout_rates_are_left_as_they_were(parts):
    encoder, head, tokenizer = fresh(parts)
    before = torch.random.get_rng_state()
    finetune(encoder, head, tokenizer, TRAIN, None, phase(dropout=0.3), seed=0)

    assert torch.equal(before, torch.random.get_rng_state())
    assert {0.1} == {m.p for m in (*encoder.modules(), *head.modules()) if isinstance(m, torch.nn.Dropout)}
    assert not encoder.training
    assert not head.training


def test_dropout_is_on_while_training(parts):
    def weights(dropout):
        encoder, head, tokenizer = fresh(parts)
        finetune(encoder, head, tokenizer, TRAIN, None, phase(dropout=dropout), seed=0)
        return state(encoder, head)

    assert same(weights(None), weights(0.1))
    assert not same(weights(0.0), weights(0.1))


def test_micro_batches_weigh_every_example_alike(parts):
    def weights(micro_batch):
        encoder, head, tokenizer = fresh(parts)
        # One step of AdamW hides the scale of a gradient: train several, on batches that 5 does not divide.
        finetune(encoder, head, tokenizer, TRAIN, None, phase(dropout=0.0, micro_batch=micro_batch, batch_size=13), 0)
        return torch.cat([weight.flatten() for weight in state(encoder, head)])

    whole = weights(None)

    assert torch.allclose(whole, weights(5), atol=2e-4)
    assert torch.allclose(whole, weights(13), atol=0)


@pytest.mark.parametrize("frozen", [{"freeze_embeddings": True}, {"frozen_layers": 1}])
def test_frozen_weights_stay_and_are_free_again_afterwards(parts, frozen):
    encoder, head, tokenizer = fresh(parts)
    before = {name: weight.detach().clone() for name, weight in encoder.named_parameters()}
    finetune(encoder, head, tokenizer, TRAIN, None, phase(weight_decay=0.5, **frozen), seed=0)
    moved = {name for name, weight in encoder.named_parameters() if not torch.equal(weight, before[name])}
    held = before.keys() - moved

    if "freeze_embeddings" in frozen:
        assert {"embeddings.word_embeddings.weight"} == held
    else:
        assert {name for name in before if "embeddings" in name or "layer.0." in name} == held
    assert all(weight.requires_grad for weight in encoder.parameters())


def test_the_kept_weights_are_those_of_the_best_step(parts):
    encoder, head, tokenizer = fresh(parts)
    report = finetune(
        encoder, head, tokenizer, TRAIN, SELECT, phase(epochs=12.0, learning_rate=2e-2, evaluate_every=3), 0
    )
    best = max(report.history, key=lambda item: (item.accuracy, -item.nll, -item.step))
    (found,), _ = predict(encoder, head, tokenizer, [SELECT], 24)
    again = evaluation(best.step, found)

    assert report.best_step == best.step
    assert best.accuracy == again.accuracy
    assert best.nll == pytest.approx(again.nll, abs=1e-5)
    assert len({item.accuracy for item in report.history}) > 1


def test_patience_ends_the_phase_and_the_last_step_is_always_read(parts):
    encoder, head, tokenizer = fresh(parts)
    stuck = phase(epochs=None, max_steps=50, learning_rate=1e-12, evaluate_every=2, patience=3)
    report = finetune(encoder, head, tokenizer, TRAIN, SELECT, stuck, seed=0)

    # Step 2 may still gain in the last bits of the NLL over nothing; then three readings without gain.
    assert report.steps < 50
    assert report.history[-1].step - report.best_step == 6

    report = finetune(*fresh(parts), TRAIN, SELECT, phase(epochs=None, max_steps=5, evaluate_every=3), seed=0)

    assert [item.step for item in report.history] == [3, 5]


def test_the_select_limit_reads_the_first_items_only(parts):
    def history(select, **limit):
        return finetune(*fresh(parts), TRAIN, select, phase(**limit), seed=0).history

    first_six = Split("select", "en", SELECT.labels, SELECT.examples[:6], SELECT.provenance)

    assert history(first_six) == history(SELECT, select_limit=6)
    assert history(first_six) != history(SELECT)


def test_costs_and_progress_add_up(parts):
    seen = []
    report = finetune(*fresh(parts), TRAIN, None, phase(max_length=9), seed=0, report=seen.append)
    cut = sum(len(e.text.split()) > 9 - 4 - 2 for e in TRAIN.examples)

    assert (10, 10, 120, cut) == (report.steps, report.best_step, report.examples, report.truncated)
    assert report.tokens < report.padded_tokens <= 120 * 9
    assert report.collapsed is None
    assert report.history == ()
    assert list(range(1, 11)) == [item.step for item in seen]
    assert {10} == {item.total for item in seen}
    assert 0 == seen[-1].eta_s < seen[0].eta_s
    assert report.train_seconds > 0


def test_arms_of_one_seed_share_order_and_dropout_across_models(parts):
    """What differs between two arms is what they start from: here nothing, but for an intermediate run in between."""
    encoder, head, tokenizer = fresh(parts)
    finetune(encoder, copy.deepcopy(head), tokenizer, TRAIN, None, phase(role="intermediate"), seed=0)
    encoder.load_state_dict(parts[0].state_dict())
    finetune(encoder, head, tokenizer, TRAIN, None, phase(), seed=0)
    direct, direct_head, _ = fresh(parts)
    finetune(direct, direct_head, tokenizer, TRAIN, None, phase(), seed=0)

    assert same(state(direct, direct_head), state(encoder, head))


def test_a_loss_that_is_no_number_names_step_rate_and_way_out(parts):
    encoder, head, tokenizer = fresh(parts)
    with torch.no_grad():
        head.out.weight[0, 0] = float("inf")

    with pytest.raises(
        TrainingFailed,
        match=r"Got loss=(nan|inf) \(gradient norm .*\) at step 1 of 10 of the target phase on xnli, "
        r"at learning rate 0; lower learning_rate=0\.003 or raise warmup_fraction=0\.1\.",
    ):
        finetune(encoder, head, tokenizer, TRAIN, None, phase(warmup_fraction=0.1), seed=0)


def test_a_rate_that_explodes_fails_instead_of_ending_in_a_broken_checkpoint(parts):
    with pytest.raises(TrainingFailed, match=r"lower learning_rate=1e\+38"):
        finetune(*fresh(parts), TRAIN, SELECT, phase(learning_rate=1e38, epochs=4.0), seed=0)


def test_a_run_at_chance_is_called_collapsed(parts):
    report = finetune(*fresh(parts), TRAIN, SELECT, phase(learning_rate=1e-12), seed=0)

    assert report.collapsed is True


@pytest.mark.parametrize(
    ("accuracy", "one_class", "collapsed"), [(0.35, False, True), (0.36, False, False), (0.9, True, True)]
)
def test_collapse_is_chance_or_one_answer(accuracy, one_class, collapsed):
    assert collapsed == Evaluation(1, accuracy, 1.0, one_class).collapsed(3)


def test_an_evaluation_is_accuracy_and_mean_log_loss():
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]], dtype=np.float32))
    read = evaluation(7, from_logits(logits, [0, 1]))

    assert (read.step, read.accuracy, read.one_class) == (7, 0.5, False)
    assert (np.log(2) + np.log(5)) / 2 == pytest.approx(read.nll, abs=1e-6)
    assert evaluation(1, from_logits(logits[:1], [0])).one_class


def test_better_is_more_accurate_then_surer_and_the_earlier_keeps_a_tie():
    base = Evaluation(1, 0.5, 1.0, False)

    assert base.better_than(None)
    assert Evaluation(2, 0.6, 2.0, False).better_than(base)
    assert Evaluation(2, 0.5, 0.9, False).better_than(base)
    assert not Evaluation(2, 0.5, 1.0, False).better_than(base)
    assert not Evaluation(2, 0.4, 0.1, False).better_than(base)


def test_without_a_reading_the_last_weights_stay():
    module = torch.nn.Linear(2, 2)
    before = state(module)
    Best().restore([module])

    assert same(before, state(module))


def split_of(*labels, names=("entailment", "neutral", "contradiction")):
    examples = tuple(Example(f"i{n}", "g", "all cats", "no dogs", label) for n, label in enumerate(labels))
    return Split("train", "en", names, examples, Provenance("local"))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (split_of(), r"Got no examples in split 'train' \(en\); raise the limit that left none\."),
        (split_of(0, 3), r"Got label=3 for item 'i1' of split 'train', but its labels are 0 to 2; leave unlabelled"),
        (split_of(0, names=("yes", "no")), r"The head has 3 classes, but split 'train' has 2 labels \(yes, no\); make"),
    ],
)
def test_data_that_do_not_fit_the_head_are_named(parts, train, message):
    with pytest.raises(BadInput, match=message):
        finetune(*fresh(parts), train, None, phase(), seed=0)

    with pytest.raises(BadInput, match=message):
        finetune(*fresh(parts), TRAIN, train, phase(), seed=0)


def test_more_frozen_layers_than_there_are_is_refused(parts):
    with pytest.raises(BadInput, match=r"Got frozen_layers=3, but the encoder has 2; freeze fewer\."):
        finetune(*fresh(parts), TRAIN, None, phase(frozen_layers=3), seed=0)


def test_bfloat16_autocast_trains_float32_weights(parts):
    encoder, head, tokenizer = fresh(parts)
    finetune(encoder, head, tokenizer, TRAIN, None, phase(autocast=True), seed=0)

    assert {torch.float32} == {weight.dtype for weight in encoder.parameters()}
    assert not same(state(parts[0]), state(encoder))
