"""Variants change the loss of the target phase and nothing else: what is plain keeps its losses, weights and keys."""

import copy
import math
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.catalog.own_models import own_model
from bench.catalog.protocols import PROTOCOLS
from bench.catalog.variants import VARIANTS, selected, variant
from bench.condition import Condition
from bench.data.sources import Access
from bench.errors import BadInput
from bench.grids import Selection, conditions
from bench.keys import Recipes
from bench.materials import Materials
from bench.modeling.encoder import load_encoder
from bench.modeling.heads import new_head
from bench.modeling.predict import predict
from bench.modeling.tokenization import load_tokenizer
from bench.plan import Training
from bench.study import Study
from bench.training.finetune import finetune
from bench.training.loss import summed_loss
from bench.training.protocol import Phase
from bench.weights import locate
from tests.conftest import TINY
from tests.tiny_models import make_tiny_model, nli_split

PHASE = Phase(
    role="target", task="xnli", max_steps=3, batch_size=20, learning_rate=1e-2, dropout=0.0, max_length=24,
    warmup_fraction=0.0,
)  # fmt: skip
TOKENS = ("ls10", "logitnorm")
ALL = (*TOKENS, "aggregate", "mlm", "mt", "mt0", "mt20", "tuned")
TAU = 0.04
TRAIN = nli_split(60)
logit_rows = arrays(np.float64, (4, 3), elements=st.floats(-20, 20)).filter(
    lambda rows: (np.linalg.norm(rows, axis=1) > 1e-3).all()
)


def varied(token, phase=PHASE):
    return variant(token).apply(phase)


def loss(logits, labels, phase):
    return float(summed_loss(torch.tensor(logits, dtype=torch.float64), torch.tensor(labels), phase))


def smoothed(logits, label, alpha=0.1):
    """Return the cross-entropy to 1 - alpha on the label plus alpha / K on every class, item by item in floats."""
    log_total = math.log(sum(math.exp(one) for one in logits))
    shares = [alpha / len(logits) + (1 - alpha) * (place == label) for place in range(len(logits))]
    return sum(share * (log_total - one) for share, one in zip(shares, logits, strict=True))


def normalised(logits, label, tau=TAU):
    """Return the cross-entropy of logits / (tau * norm), item by item in floats."""
    norm = math.sqrt(sum(one * one for one in logits))
    return smoothed([one / (tau * norm) for one in logits], label, alpha=0.0)


def applies(token, condition):
    """Say from the issue's own words where each variant belongs."""
    kinds = {"ls10": ("xnli", "pawsx", "udpos", "panx"), "aggregate": ("xnli", "pawsx", "udpos", "panx")}
    if token in ("mt0", "mt20") and not condition.model.startswith("pocket"):
        return False
    if token.startswith("m"):
        return condition.intermediate not in ("none", "more")
    if token == "tuned":
        return condition.target not in ("bucc", "tatoeba")
    return condition.target in kinds["ls10" if token == "logitnorm" else token]


class TestCatalog:
    def test_there_are_two_losses_an_aggregation_those_of_the_paper_and_a_tuned_rate(self):
        assert tuple(one.token for one in VARIANTS) == ALL

    @pytest.mark.parametrize("token", TOKENS)
    def test_a_variant_changes_the_loss_alone_whatever_the_protocol(self, token):
        for protocol in PROTOCOLS:
            changed = varied(token, protocol.target)
            differing = {one.name for one in fields(Phase) if getattr(changed, one.name) != getattr(PHASE, one.name)}
            same = replace(changed, label_smoothing=0.0, logit_norm_temperature=None)

            assert same == protocol.target
            assert differing & {"label_smoothing", "logit_norm_temperature"}

    def test_a_variant_nobody_has_is_refused_with_those_there_are(self):
        with pytest.raises(BadInput) as caught:
            variant("dropout")

        assert str(caught.value) == (
            "Got variant='dropout', which is not in the catalog; use one of ls10, logitnorm, aggregate, mlm, mt, "
            "mt0, mt20, tuned, or plain for none."
        )

    def test_plain_is_the_word_for_the_empty_token(self):
        assert [selected(word) for word in ("plain", *TOKENS)] == ["", *TOKENS]
        assert varied("") == PHASE


class TestIdentity:
    def test_a_plain_phase_is_identified_by_what_it_was_before_there_were_variants(self):
        assert varied("").identity() == {
            "role": "target", "task": "xnli", "epochs": None, "max_steps": 3, "batch_size": 20, "learning_rate": 1e-2,
            "warmup_fraction": 0.0, "weight_decay": 0.01, "adam_epsilon": 1e-8, "clip_norm": 1.0, "max_length": 24,
            "pooling": "first", "dropout": 0.0, "freeze_embeddings": False, "frozen_layers": 0, "evaluate_every": None,
            "patience": None, "select_limit": None, "label_smoothing": 0.0, "autocast": False,
        }  # fmt: skip

    def test_a_variant_is_identified_by_its_one_setting(self):
        plain = set(varied("").identity().items())

        assert set(varied("ls10").identity().items()) - plain == {("label_smoothing", 0.1)}
        assert set(varied("logitnorm").identity().items()) - plain == {("logit_norm_temperature", 0.04)}


class TestSelection:
    def ids(self, **axes):
        return [one.id for one in conditions(Selection(**{"models": ("mbert",)} | axes))]

    @pytest.mark.parametrize("model", ["mbert", "pocket_s"])
    def test_the_full_grid_is_paper_with_and_without_every_variant(self, model):
        paper, full = (self.ids(grid=grid, models=(model,)) for grid in ("paper", "full"))

        named = {f"{one}-{token}" for one in paper for token in ALL if applies(token, Condition.from_id(one))}

        assert set(full) == {*paper, *named}
        assert len(full) == len(paper) + len(named)

    @pytest.mark.parametrize(
        ("token", "intermediate", "target", "expected"),
        [
            ("mt0", "snli", "xnli", True), ("mt20", "none", "xnli", False),
            ("ls10", "none", "udpos", True), ("ls10", "none", "xquad", False), ("logitnorm", "mnli", "tatoeba", False),
            ("aggregate", "none", "panx", True), ("aggregate", "none", "tydiqa", False),
            ("mlm", "mnli", "tatoeba", True), ("mlm", "none", "xnli", False), ("mt", "more", "xnli", False),
            ("mt", "multi", "xquad", True), ("tuned", "none", "xnli", True), ("tuned", "snli", "bucc", False),
        ],
    )  # fmt: skip
    def test_a_variant_applies_where_it_changes_something_it_is_meant_to_change(
        self, token, intermediate, target, expected
    ):
        assert variant(token).applies(intermediate, target, artificial=True) is expected
        assert variant(token).applies(intermediate, target, artificial=False) is (expected and token != "mt0")

    @pytest.mark.parametrize("grid", ["smoke", "paper"])
    def test_the_other_grids_are_plain(self, grid):
        assert {Condition.from_id(one).variant for one in self.ids(grid=grid)} == {""}

    def test_variants_of_one_seed_stand_beside_each_other_in_the_order_asked_for(self):
        found = self.ids(intermediates=("none",), languages=("sw",), variants=("ls10", "plain"))

        assert found == [f"mbert-none-xnli-sw-{end}" for end in ("s0-ls10", "s0", "s1-ls10", "s1")]

    def test_a_word_that_is_no_variant_is_refused(self):
        with pytest.raises(BadInput, match="Got variant='dropout', which is not in the catalog"):
            self.ids(variants=("dropout",))

    def test_an_empty_selection_says_which_variants_were_asked_for(self):
        with pytest.raises(BadInput, match="with models=mbert languages=w0_src variants=ls10, which selects no cond"):
            self.ids(languages=("w0_src",), variants=("ls10",))


class TestRecipes:
    @pytest.fixture
    def recipes(self, tmp_path, tiny_mirror):
        """Return a function that gives the recipes of a variant on the small mirror."""
        study, access = Study("frugal", ""), Access((tiny_mirror,))
        materials = Materials(access, study)
        own = (own_model(f"tiny={tiny_mirror / 'models' / TINY}"),)
        located = partial(locate, access=access)
        return lambda token: Recipes(
            Training("tiny", None, "snli", "xnli", 0, token), own[0], materials, study, located
        )

    def test_variants_share_the_intermediate_and_have_checkpoints_of_their_own(self, recipes):
        made = [recipes(token) for token in ("", *TOKENS, "aggregate")]

        assert len({one.intermediate_key for one in made}) == 1
        assert len({one.checkpoint_key for one in made}) == 4

    def test_a_condition_of_a_variant_nobody_has_is_refused_before_work(self, recipes):
        with pytest.raises(BadInput, match="Got variant='dropout'"):
            _ = recipes("dropout").checkpoint_key


class TestLoss:
    def test_label_smoothing_gives_every_class_a_share_of_alpha(self):
        # log(e^2 + 2) = 2.239545; the label has 1 - 0.1 + 0.1 / 3 of the target, and only its logit is not 0.
        assert loss([[2.0, 0.0, 0.0]], [0], varied("ls10")) == pytest.approx(2.239545 - 2 * 14 / 15, abs=1e-6)

    def test_label_smoothing_on_the_wrong_classes_alone_would_be_a_larger_alpha(self):
        # Desai and Durrett 2020 leave 1 - alpha on the label: alpha = 0.1 there is 0.1 * K / (K - 1) here.
        theirs = replace(PHASE, label_smoothing=0.15)

        assert loss([[2.0, 0.0, 0.0]], [0], theirs) == pytest.approx(2.239545 - 2 * 0.9, abs=1e-6)

    def test_logit_normalisation_scores_the_direction_over_tau(self):
        # |(3, 4, 0)| = 5, so the scores are (15, 20, 0).
        expected = 5 + math.log(1 + math.exp(-5) + math.exp(-20))

        assert loss([[3.0, 4.0, 0.0]], [0], varied("logitnorm")) == pytest.approx(expected, abs=1e-9)

    @settings(deadline=None)
    @given(logit_rows, st.lists(st.integers(0, 2), min_size=4, max_size=4))
    def test_losses_are_the_formulas_summed_over_examples(self, logits, labels):
        pairs = list(zip(logits.tolist(), labels, strict=True))

        assert loss(logits, labels, PHASE) == pytest.approx(sum(smoothed(*pair, alpha=0.0) for pair in pairs))
        assert loss(logits, labels, varied("ls10")) == pytest.approx(sum(smoothed(*pair) for pair in pairs))
        assert loss(logits, labels, varied("logitnorm")) == pytest.approx(sum(normalised(*pair) for pair in pairs))

    @settings(deadline=None)
    @given(logit_rows, st.floats(1e-3, 1e3))
    def test_logit_normalisation_knows_no_length(self, logits, factor):
        phase, labels = varied("logitnorm"), [0, 1, 2, 0]

        assert loss(factor * logits, labels, phase) == pytest.approx(loss(logits, labels, phase), rel=1e-9, abs=1e-9)

    @settings(deadline=None)
    @given(logit_rows)
    def test_logit_normalisation_moves_the_direction_alone(self, logits):
        leaf = torch.tensor(logits, requires_grad=True)
        summed_loss(leaf, torch.tensor([0, 1, 2, 0]), varied("logitnorm")).backward()
        along = (leaf.grad * leaf).sum(dim=1).detach().numpy()

        np.testing.assert_allclose(along, 0, atol=1e-9)

    @settings(deadline=None)
    @given(logit_rows)
    def test_tau_bounds_the_loss_from_below(self, logits):
        # The best direction for K = 3 is (2, -1, -1) / sqrt(6): its scores differ by sqrt(3 / 2) / tau.
        phase = replace(PHASE, logit_norm_temperature=1.0)
        floor = math.log(1 + 2 * math.exp(-math.sqrt(3 / 2)))

        assert loss(logits, [0, 1, 2, 0], phase) >= 4 * floor - 1e-9
        assert loss([[20.0, -10.0, -10.0]], [0], phase) == pytest.approx(floor)

    @pytest.mark.parametrize("token", ["", *TOKENS])
    def test_gradients_are_those_of_finite_differences(self, token):
        # Near the border between classes, where a normalised loss is neither 0 nor linear.
        logits = torch.tensor([[1.0, 1.1, 0.9], [-0.5, -0.4, -0.45], [2.0, 0.1, 2.02]], dtype=torch.float64)
        labels = torch.tensor([0, 1, 2])

        assert torch.autograd.gradcheck(
            lambda values: summed_loss(values, labels, varied(token)), logits.requires_grad_()
        )

    def test_logits_of_no_length_score_all_classes_alike_and_have_a_finite_gradient(self):
        leaf = torch.zeros((1, 3), requires_grad=True)
        found = summed_loss(leaf, torch.tensor([1]), varied("logitnorm"))
        found.backward()

        assert float(found.detach()) == pytest.approx(math.log(3))
        assert torch.isfinite(leaf.grad).all()


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"))
    return load_encoder(directory)[0], new_head(16, 3, seed=0, role="target"), load_tokenizer(directory)


class TestTraining:
    def trained(self, parts, phase, train=TRAIN, report=None):
        encoder, head, tokenizer = copy.deepcopy(parts[0]), copy.deepcopy(parts[1]), parts[2]
        finetune(encoder, head, tokenizer, train, None, phase, seed=0, report=report)
        return encoder, head

    def weights(self, parts, phase):
        modules = self.trained(parts, phase)
        return torch.cat([weight.detach().flatten() for module in modules for weight in module.parameters()])

    @pytest.mark.parametrize(
        ("token", "formula"),
        [("", lambda *pair: smoothed(*pair, alpha=0.0)), ("ls10", smoothed), ("logitnorm", normalised)],
    )
    def test_the_loop_trains_on_the_mean_of_the_formula(self, parts, token, formula):
        # Over labels in equal numbers, an untrained head's gain from smoothing cancels.
        lopsided = replace(TRAIN, examples=tuple(one for one in TRAIN.examples if one.label != 2))
        seen = []
        (found,), _ = predict(*parts, [lopsided], PHASE.max_length)
        self.trained(parts, replace(varied(token), max_steps=1, batch_size=40, micro_batch=7), lopsided, seen.append)
        losses = [formula(row, one.label) for row, one in zip(found.logits.tolist(), lopsided.examples, strict=True)]

        assert len(losses) == 40
        assert seen[0].loss == pytest.approx(np.mean(losses), rel=1e-5)

    def test_each_variant_gives_other_weights_and_the_plain_one_the_same(self, parts):
        plain, *changed = (self.weights(parts, varied(token)) for token in ("", *TOKENS))

        assert torch.equal(plain, self.weights(parts, PHASE))
        assert not torch.equal(plain, changed[0])
        assert not torch.equal(plain, changed[1])
        assert not torch.equal(changed[0], changed[1])

    def test_what_is_predicted_after_logit_normalisation_are_the_raw_logits(self, parts):
        encoder, head = self.trained(parts, varied("logitnorm"))
        (found,), _ = predict(encoder, head, parts[2], [TRAIN], PHASE.max_length)
        lengths = np.linalg.norm(found.logits, axis=1)

        assert not np.allclose(lengths, 1 / TAU)
        assert not np.allclose(lengths, 1)


def test_variants_run_through_the_suite_on_one_intermediate(suite, tiny, monkeypatch):
    from bench.training import finetune as module

    trained = []
    original = module.finetune

    def watched(encoder, head, tokenizer, train, select, phase, *rest, **options):
        trained.append((phase.role, phase.label_smoothing, phase.logit_norm_temperature))
        return original(encoder, head, tokenizer, train, select, phase, *rest, **options)

    monkeypatch.setattr(module, "finetune", watched)
    finished = suite(*tiny, "--intermediates", "snli", "--variants", "plain,ls10,logitnorm")
    rows = {row.condition.variant: row for row in finished.rows if row.condition.language == "sw"}

    assert finished.statuses == {"run": 6}
    assert {row.condition.id for row in rows.values()} == {
        f"tiny-snli-xnli-sw-s0{end}" for end in ("", "-ls10", "-logitnorm")
    }
    assert sorted(trained, key=str) == [
        ("intermediate", 0.0, None), ("target", 0.0, 0.04), ("target", 0.0, None), ("target", 0.1, None),
    ]  # fmt: skip
    assert len({row.data["digests"]["recipe"] for row in rows.values()}) == 3
    assert len({row.study for row in rows.values()}) == 1
