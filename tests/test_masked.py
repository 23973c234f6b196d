"""The masked-language-modelling head of a model directory, which tokens are masked, and the loss."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from bench.errors import BadInput, Unavailable
from bench.modeling.directory import has_masked_head, weights_digest
from bench.modeling.encoder import load_encoder
from bench.modeling.masked import load_masked_head, mask_tokens, masked_loss_sum, new_masked_head
from tests.tiny_models import make_tiny_model

IDS = torch.tensor([[0, 4, 5, 6, 2]])


def make_model_with_head(directory, architecture="xlm-roberta"):
    """Write a random model with its head, no tensor of which is left at zero or one, and return it."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    make_tiny_model(directory, architecture=architecture)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(str(directory))).eval()
        for name, weight in model.named_parameters():
            if name.startswith(("lm_head", "cls")):
                weight.data.normal_(0.5, 0.3)
    model.save_pretrained(str(directory))
    return model


def logits_of(directory):
    encoder, _ = load_encoder(directory)
    head = load_masked_head(directory, encoder)
    return head(encoder(IDS).last_hidden_state, encoder.get_input_embeddings().weight)


def rewrite(file, change):
    save_file({change(name): tensor.clone() for name, tensor in load_file(file).items() if change(name)}, file)


class TestLoading:
    @pytest.mark.parametrize("architecture", ["xlm-roberta", "bert"])
    def test_the_head_computes_what_the_whole_model_does(self, tmp_path, architecture):
        model = make_model_with_head(tmp_path, architecture)

        assert has_masked_head(tmp_path)
        assert torch.allclose(logits_of(tmp_path), model(IDS).logits, atol=1e-5)

    def test_the_names_of_early_bert_are_read_too(self, tmp_path):
        expected = make_model_with_head(tmp_path, "bert")(IDS).logits
        early = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

        def renamed(name):
            for late, first in early.items():
                name = name.replace(late, first) if name.startswith("cls") else name
            return name

        rewrite(tmp_path / "model.safetensors", renamed)
        assert "cls.predictions.transform.LayerNorm.gamma" in load_file(tmp_path / "model.safetensors")
        assert torch.allclose(logits_of(tmp_path), expected, atol=1e-5)

    def test_a_head_beside_the_encoder_is_read_as_float32(self, tmp_path):
        expected = make_model_with_head(tmp_path)(IDS).logits
        whole = load_file(tmp_path / "model.safetensors")
        (tmp_path / "lm_head").mkdir()
        head = {name: tensor.half() for name, tensor in whole.items() if name.startswith("lm_head.")}
        save_file(head, tmp_path / "lm_head" / "lm_head.safetensors")
        rewrite(tmp_path / "model.safetensors", lambda name: "" if name.startswith("lm_head.") else name)

        assert not [name for name in load_file(tmp_path / "model.safetensors") if "lm_head" in name]
        assert logits_of(tmp_path).dtype == torch.float32
        assert torch.allclose(logits_of(tmp_path), expected, atol=2e-2)

    def test_the_models_own_head_goes_before_the_one_beside_it(self, tmp_path):
        expected = make_model_with_head(tmp_path)(IDS).logits
        (tmp_path / "lm_head").mkdir()
        other = {name: 0 * tensor for name, tensor in load_file(tmp_path / "model.safetensors").items()}
        save_file(other, tmp_path / "lm_head" / "lm_head.safetensors")

        assert torch.allclose(logits_of(tmp_path), expected, atol=1e-5)

    def test_a_head_beside_the_encoder_is_not_in_the_encoders_identity(self, tmp_path):
        make_tiny_model(tmp_path)
        before = weights_digest(tmp_path)
        (tmp_path / "lm_head").mkdir()
        save_file({"lm_head.bias": torch.zeros(3)}, tmp_path / "lm_head" / "lm_head.safetensors")

        assert weights_digest(tmp_path) == before

    @pytest.mark.parametrize("lost", ["lm_head.", "lm_head.bias", "lm_head.layer_norm.weight"])
    def test_no_head_or_a_part_of_one_is_unavailable(self, tmp_path, lost):
        make_model_with_head(tmp_path)
        rewrite(tmp_path / "model.safetensors", lambda name: "" if name.startswith(lost) else name)
        encoder, _ = load_encoder(tmp_path)

        assert not has_masked_head(tmp_path)
        with pytest.raises(Unavailable, match=r"holds no masked-language-modelling head; use a model") as caught:
            load_masked_head(tmp_path, encoder)
        assert caught.value.needs == "weights"

    def test_a_directory_that_is_not_there_has_no_head(self, tmp_path):
        assert not has_masked_head(tmp_path / "nowhere")

    def test_a_cut_encoder_has_lost_the_layer_its_head_reads(self, tmp_path):
        make_model_with_head(tmp_path)
        encoder, _ = load_encoder(tmp_path, layers=1)

        with pytest.raises(Unavailable, match="reads layer 2, but the encoder was cut to 1; use the whole model"):
            load_masked_head(tmp_path, encoder)

    def test_a_head_of_another_shape_is_named(self, tmp_path):
        make_model_with_head(tmp_path)
        file = tmp_path / "model.safetensors"
        save_file(load_file(file) | {"lm_head.bias": torch.zeros(7)}, file)
        encoder, _ = load_encoder(tmp_path)

        with pytest.raises(BadInput, match=r"has bias of shape \(7,\), but its encoder needs \(13,\); fetch"):
            load_masked_head(tmp_path, encoder)

    def test_files_that_do_not_read_are_named(self, tmp_path):
        (tmp_path / "model.safetensors").write_bytes(b"no such thing")

        with pytest.raises(
            BadInput, match=r"The weights in .*model\.safetensors do not read .*; fetch the model again"
        ):
            has_masked_head(tmp_path)

    def test_to_ask_for_a_head_wakes_no_torch(self, tmp_path):
        make_model_with_head(tmp_path)
        code = (
            "import sys; from pathlib import Path; from bench.modeling.directory import has_masked_head; "
            "print(has_masked_head(Path(sys.argv[1])), 'torch' in sys.modules)"
        )
        result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)

        assert result.stdout.split() == ["True", "False"]


def test_a_new_head_is_drawn_from_the_seed_alone(tmp_path):
    encoder, _ = load_encoder(make_tiny_model(tmp_path))
    state = torch.random.get_rng_state()
    one, same, other = (new_masked_head(encoder, seed).dense.weight for seed in (1, 1, 2))

    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


SPECIAL, MASK, VOCABULARY = (0, 1, 2), 9, 50


@pytest.fixture(scope="module")
def drawn():
    ids = torch.randint(0, 9, (400, 250), generator=torch.Generator().manual_seed(0))
    return ids, *mask_tokens(ids, SPECIAL, MASK, VOCABULARY, torch.Generator().manual_seed(3))


class TestMasking:
    def test_special_tokens_are_never_chosen_and_nothing_else_changes(self, drawn):
        ids, read, places, truth = drawn

        assert not places[ids < 3].any()
        assert torch.equal(read[~places], ids[~places])
        assert torch.equal(truth, ids[places])

    def test_fifteen_percent_are_chosen_eighty_hidden_ten_replaced_ten_kept(self, drawn):
        """Standard errors: .0014 of the chosen share, .004 of the hidden, .003 of the kept."""
        ids, read, places, truth = drawn
        hidden = (read[places] == MASK).double().mean().item()
        kept = (read[places] == truth).double().mean().item()

        assert places[ids >= 3].double().mean().item() == pytest.approx(0.15, abs=0.006)
        # Replacements hit the mask's own id, and what stood there, once in 50 each.
        assert hidden == pytest.approx(0.8 + 0.1 / 50, abs=0.015)
        assert kept == pytest.approx(0.1 + 0.1 / 50, abs=0.012)

    def test_replacements_come_from_the_whole_vocabulary(self, drawn):
        _, read, places, truth = drawn
        replaced = read[places][(read[places] != MASK) & (read[places] != truth)]

        assert sorted(set(replaced.tolist())) == [token for token in range(VOCABULARY) if token != MASK]

    def test_equal_streams_mask_alike_and_others_differently(self):
        ids = torch.full((4, 50), 7)
        one, same, other = (mask_tokens(ids, (0,), 9, 50, torch.Generator().manual_seed(seed))[1] for seed in (1, 1, 2))

        assert torch.equal(one, same)
        assert not torch.equal(one, other)

    def test_what_is_chosen_does_not_move_the_stream(self):
        streams = [torch.Generator().manual_seed(1) for _ in range(2)]
        mask_tokens(torch.full((4, 50), 7), (0,), 9, 50, streams[0])
        mask_tokens(torch.full((4, 50), 0), (0,), 9, 50, streams[1])

        assert torch.equal(streams[0].get_state(), streams[1].get_state())


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return load_encoder(make_tiny_model(tmp_path_factory.mktemp("tiny")))[0]


class TestLoss:
    def test_the_loss_is_the_sum_over_the_chosen_tokens(self, encoder):
        head = new_masked_head(encoder, 0)
        head.dense.weight.data.zero_()
        head.bias.data[5] = 2.0
        states = torch.ones(1, 4, 16)
        places = torch.tensor([[False, True, True, False]])

        # Without a dense layer every logit is its bias: 2 for token 5, 0 for the other twelve.
        whole = torch.tensor(2.0).exp() + 12
        expected = (whole.log() - 2) + whole.log()
        loss = masked_loss_sum(encoder, head, states, places, torch.tensor([5, 6]))
        assert loss.item() == pytest.approx(expected.item(), abs=1e-5)

    def test_nothing_chosen_costs_nothing(self, encoder):
        states, none = torch.ones(1, 4, 16), torch.zeros(1, 4, dtype=torch.bool)

        assert masked_loss_sum(encoder, new_masked_head(encoder, 0), states, none, torch.tensor([]).long()).item() == 0

    def test_gradients_reach_head_layers_and_the_tied_embeddings(self, encoder):
        head = new_masked_head(encoder, 0)
        encoder.zero_grad()
        words = encoder.get_input_embeddings().weight
        states = encoder(IDS).last_hidden_state
        masked_loss_sum(
            encoder, head, states, torch.tensor([[False, True, False, False, False]]), IDS[0, 1:2]
        ).backward()

        assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in head.parameters())
        assert all(weight.grad.abs().sum() > 0 for weight in encoder.encoder.layer[0].output.parameters())
        # Token 12 stands in no text: only the decoder can have moved it.
        assert words.grad[12].abs().sum() > 0
