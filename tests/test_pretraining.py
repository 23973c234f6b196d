"""Pretraining of pocket models: what is read, what is pulled together, what is saved."""

import json

import pytest
import torch

from bench.data.artificial import language_tokens
from bench.errors import BadInput, TrainingFailed
from bench.modeling.encoder import load_encoder
from bench.modeling.tokenization import encode, load_tokenizer
from bench.pretraining import loop
from bench.pretraining.__main__ import build, main
from bench.pretraining.model import alignment_loss, masked_loss
from bench.pretraining.muon import orthogonal
from bench.pretraining.reading import Reader, shared
from bench.pretraining.recipe import Recipe, Size, size_of
from bench.pretraining.tokenizer import END, train_tokenizer, world_tokenizer

SMALL = Recipe(steps=2, pairs=3, documents=4, vocabulary=600, plentiful=60, scarce=10)
TINY = Size("pocket_xs", 2, 16)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(0, SMALL.vocabulary)


@pytest.fixture
def reader(tokenizer):
    return Reader(0, SMALL, tokenizer)


class TestReading:
    def test_every_polarity_is_one_piece(self, reader, tokenizer):
        for speaker in reader.languages:
            for word in speaker.polarity:
                assert len(tokenizer.encode(word, add_special_tokens=False).ids) == 1

    def test_the_identical_clone_is_not_read(self, reader):
        assert len(reader.languages) == len(language_tokens(0)) - 1

    def test_the_two_sides_of_a_pair_say_the_same(self, reader):
        for _ in range(20):
            one, two = reader.pair()
            both = shared(one, two)

            assert len(both) == len(one.constituents) == len(two.constituents)
            assert all(mine.meaning == other.meaning for mine, other in both)

    def test_constituents_cover_the_text_but_for_its_marks(self, reader):
        text = reader.document()
        covered = sum(one.end - one.start for one in text.constituents)

        assert covered == len(text.ids) - 4
        assert text.ids.count(END) == 3

    def test_without_a_dose_documents_are_in_the_source_language(self, reader):
        source = reader.languages[0]
        said = {reader.text(document, source).ids for document in reader.corpus}

        assert {reader.document().ids for _ in range(50)} <= said

    def test_with_a_dose_other_languages_are_coherent_too(self, tokenizer):
        reader = Reader(0, Recipe(plentiful=60, scarce=10, vocabulary=600, dose=1.0), tokenizer)
        said = {reader.text(document, reader.languages[0]).ids for document in reader.corpus}

        assert not {reader.document().ids for _ in range(50)} <= said

    def test_a_scarce_language_draws_from_few_documents(self, tokenizer):
        reader = Reader(0, Recipe(plentiful=60, scarce=1, vocabulary=600), tokenizer)
        scarce = next(speaker for speaker in reader.languages if speaker.facts.data == "scarce")

        assert {reader._drawn(scarce, scarce) for _ in range(9)} == {reader.corpus[0]}


class TestObjectives:
    def test_translations_that_agree_are_found(self):
        states = torch.eye(4)
        loss, found = alignment_loss(states, states, torch.arange(4), 0.1)

        assert found == 1.0
        assert loss < 0.01

    def test_equal_meanings_are_no_negatives(self):
        states = torch.eye(4)[[0, 0, 1, 2]]
        loss, _ = alignment_loss(states, states, torch.tensor([0, 0, 1, 2]), 0.1)

        assert loss < 0.01

    def test_translations_that_are_swapped_cost(self):
        states = torch.eye(4)
        loss, found = alignment_loss(states, states.roll(1, 0), torch.arange(4), 0.1)

        assert found == 0.0
        assert loss > 5

    def test_masked_tokens_are_not_shown(self, tokenizer):
        model = loop.build_model(TINY, tokenizer.get_vocab_size(), SMALL).eval()
        ids = torch.tensor([[0, 9, 10, 2], [0, 11, 10, 2]])
        hidden = torch.tensor([[False, True, False, False]] * 2)
        _, _, states = masked_loss(model, ids, hidden, 1)

        assert torch.equal(states[0], states[1])

    def test_orthogonal_updates_have_singular_values_near_one(self):
        torch.manual_seed(0)
        values = torch.linalg.svdvals(orthogonal(torch.randn(3, 8, 5)))

        assert values.min() > 0.5
        assert values.max() < 1.5


class TestRuns:
    def test_equal_runs_give_equal_weights(self, tokenizer):
        first, second = (loop.pretrain(0, TINY, SMALL, tokenizer).model.state_dict() for _ in range(2))

        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_a_run_that_diverges_says_what_to_lower(self, tokenizer):
        recipe = Recipe(steps=1, pairs=2, documents=2, vocabulary=600, plentiful=60, scarce=10, spread=1e30)
        with pytest.raises(TrainingFailed, match="is not a number at step 0; lower matrix_rate"):
            loop.pretrain(0, TINY, recipe, tokenizer)

    def test_all_sizes_of_a_world_read_with_one_tokenizer(self, tmp_path, monkeypatch):
        path = tmp_path / "tokenizer.json"
        first = world_tokenizer(0, 600, path)
        monkeypatch.setattr("bench.pretraining.tokenizer.train_tokenizer", None)

        assert world_tokenizer(0, 600, path).to_str() == first.to_str()

    def test_what_is_saved_is_read_by_fine_tuning(self, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.pretraining.__main__.Recipe", lambda: SMALL)
        monkeypatch.setattr("bench.pretraining.__main__.size_of", lambda token: TINY)
        directory = build(0, "pocket_xs", tmp_path)
        encoder, config = load_encoder(directory)
        from bench.data.artificial import nli_split

        rows = encode(load_tokenizer(directory), nli_split("xnli", "test", "w0_agg").examples[:9], 64)
        note = json.loads((directory / "pretraining.json").read_text())

        assert directory == tmp_path / "w0" / "pocket_xs"
        assert (config.num_hidden_layers, config.hidden_size) == (2, 16)
        assert next(encoder.parameters()).dtype == torch.float32
        assert not rows.truncated.any()
        assert note["flags"] == ["aligned", "tlm"]


def test_a_dose_is_flagged():
    assert Recipe(dose=0.1).flags == ("aligned", "discourse", "tlm")
    assert Recipe(alignment=0).flags == ()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Recipe(steps=0), "Got steps=0, but a run takes at least 1 step."),
        (lambda: Recipe(scarce=9, plentiful=8), "Got scarce=9 and plentiful=8, but a scarce language has at least 1"),
        (lambda: Recipe(dose=1.5), "Got dose=1.5, but it is a share of documents, from 0 to 1."),
        (lambda: size_of("mbert"), "Got model='mbert', but the pocket models are pocket_xs, pocket_s"),
    ],
)
def test_bad_settings_say_what_fits(make, message):
    with pytest.raises(BadInput, match=message):
        make()


def test_the_command_names_what_does_not_fit(capsys):
    assert main(["--model", "mbert"]) == 2
    assert "the pocket models are" in capsys.readouterr().err
