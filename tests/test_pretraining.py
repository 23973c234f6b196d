"""Pretraining of pocket models: what is read, what is pulled together, what is saved."""

import json
from dataclasses import replace

import pytest
import torch

from bench import cli
from bench.data.artificial import language_tokens, nli_split
from bench.data.artificial.corpus import CONNECTIVES, VAGUE
from bench.errors import BadInput, TrainingFailed
from bench.modeling.directory import has_masked_head, weights_digest
from bench.modeling.encoder import load_encoder
from bench.modeling.masked import load_masked_head
from bench.modeling.tokenization import encode, load_tokenizer
from bench.pretraining import loop
from bench.pretraining.__main__ import add_head, build, main
from bench.pretraining.model import alignment_loss, lower_states, mean_state, padded, upper_states
from bench.pretraining.optimizers import orthogonal, rate_share
from bench.pretraining.reading import Reader, shared
from bench.pretraining.recipe import Recipe, Size, size_of
from bench.pretraining.stages import Alignment, Discourse, MaskedHeadStage
from bench.pretraining.tokenizer import BEGIN, END, MASK, PAD, train_tokenizer, world_tokenizer

SMALL = Recipe(
    alignment_steps=2, discourse_steps=2, pairs=3, documents=4, vocabulary=600, plentiful=60, scarce=10, coherent=90
)
TINY = Size("pocket_xs", 2, 16)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(0, SMALL.vocabulary)


@pytest.fixture
def reader(tokenizer):
    return Reader(0, SMALL, tokenizer)


@pytest.fixture
def model(tokenizer):
    return loop.build_model(TINY, tokenizer.get_vocab_size(), SMALL)


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

    def test_constituents_and_marks_cover_a_text(self, reader):
        text = reader.pair()[1]
        inside = [place for one in text.constituents for place in range(one.start, one.end)]

        assert sorted([*inside, *text.marks]) == list(range(len(text.ids)))
        assert [text.ids[place] for place in text.marks[1:]] == [END] * 3

    def test_a_text_is_laid_out_as_fine_tuning_lays_out_a_pair(self, reader, tokenizer):
        document, speaker = reader.corpus[0], reader.languages[1]
        said = tokenizer.encode(speaker.sentence(document.first), speaker.sentence(document.second))

        assert list(reader.text(document.first, document.second, speaker).ids) == said.ids

    def test_without_a_dose_documents_are_in_the_source_language(self, reader):
        source = reader.languages[0]
        said = {reader.text(document.first, document.second, source).ids for document in reader.corpus}
        read = [reader.document() for _ in range(50)]

        assert {one.ids for one in read} <= said
        assert {one.language for one in read} == {0}

    def test_with_a_dose_other_languages_are_coherent_too(self, tokenizer):
        reader = Reader(0, replace(SMALL, dose=1.0), tokenizer)

        assert len({reader.document().language for _ in range(80)}) == len(reader.languages)

    def test_connectives_are_the_documents_own(self, reader):
        read = [reader.document() for _ in range(300)]
        explicit = [one for one in read if one.connective != VAGUE]

        assert sum(one.connective == one.relation for one in explicit) > 0.85 * len(explicit)

    def test_permuted_connectives_say_nothing(self, tokenizer):
        reader = Reader(0, replace(SMALL, permuted=True), tokenizer)
        read = [reader.document() for _ in range(300)]
        explicit = [one for one in read if one.connective != VAGUE]

        assert sum(one.connective == one.relation for one in explicit) < 0.5 * len(explicit)

    def test_a_scarce_language_draws_from_few_documents(self, tokenizer):
        reader = Reader(0, replace(SMALL, scarce=1), tokenizer)
        scarce = next(speaker for speaker in reader.languages if speaker.facts.data == "scarce")
        only = reader.corpus[0]
        said = {two.ids for _, two in (reader.pair() for _ in range(200))}

        assert reader.text(only.first, only.second, scarce).ids in said
        assert sum(ids in said for ids in (reader.text(d.first, d.second, scarce).ids for d in reader.corpus)) == 1

    def test_each_language_has_connectives_of_its_own(self, reader):
        assert reader.connectives == CONNECTIVES * len(reader.languages)


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

    def test_the_halves_make_the_whole(self, model, reader):
        ids = padded([reader.pair()[1].ids for _ in range(3)], PAD)
        model.eval()
        halves = upper_states(model, lower_states(model, ids, 1), ids, 1)
        whole = model.roberta(input_ids=ids, attention_mask=(ids != PAD).long()).last_hidden_state

        assert torch.allclose(halves[ids != PAD], whole[ids != PAD], atol=1e-5)

    def test_padding_is_in_no_mean(self):
        states, ids = torch.ones(1, 3, 2), torch.tensor([[5, 6, PAD]])
        states[0, 2] = 9.0

        assert torch.equal(mean_state(states, ids), torch.ones(1, 2))

    def test_orthogonal_updates_have_singular_values_near_one(self):
        torch.manual_seed(0)
        values = torch.linalg.svdvals(orthogonal(torch.randn(3, 8, 5)))

        assert values.min() > 0.5
        assert values.max() < 1.5

    def test_rates_warm_up_and_decay(self):
        shares = [rate_share(step, 1000, 100) for step in (0, 99, 500, 999)]

        assert shares == pytest.approx([0.01, 0.901, 0.5, 0.02])


class TestStages:
    def test_discourse_leaves_the_half_that_languages_share_alone(self, model, reader):
        before = {name: weight.clone() for name, weight in model.state_dict().items()}
        stage = Discourse(model, reader, SMALL, 1)
        for _ in range(2):
            stage.step(1.0)
        changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}

        assert changed
        assert all("encoder.layer.1." in name for name in changed)

    def test_alignment_draws_on_words_and_marks_alike(self, model, reader):
        stage, pairs = Alignment(model, reader, SMALL, 1), [reader.pair() for _ in range(3)]
        width = max(len(text.ids) for pair in pairs for text in pair)
        states = torch.randn(6, width, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
        stage._aligned(pairs, states)[0].backward()
        drawn = states.grad.abs().sum(-1) > 0

        for row, text in enumerate(text for pair in pairs for text in pair):
            assert drawn[row].tolist() == [place < len(text.ids) for place in range(width)]

    def test_alignment_draws_translations_together(self, model, reader):
        stage = Alignment(model.train(), reader, SMALL, 1)
        found = [stage.step(1.0)[1] for _ in range(60)]

        assert sum(found[-10:]) > 1.5 * sum(found[:10])


class TestMaskedHead:
    def test_only_the_head_learns(self, model, reader):
        encoder = model.roberta
        before = {name: weight.clone() for name, weight in encoder.state_dict().items()}
        stage = MaskedHeadStage(encoder, reader, SMALL)
        fresh = [weight.clone() for weight in stage.head.parameters()]
        for _ in range(2):
            stage.step(1.0)

        assert all(torch.equal(weight, before[name]) for name, weight in encoder.state_dict().items())
        assert not [one for one, two in zip(fresh, stage.head.parameters(), strict=True) if torch.equal(one, two)]

    def test_the_head_comes_close_to_what_frequencies_tell(self, model, reader):
        stage = MaskedHeadStage(model.roberta, reader, SMALL)
        losses = [stage.step(1.0)[0] for _ in range(200)]

        assert sum(losses[-20:]) / 20 < stage.unigram_entropy + 0.5 < sum(losses[:20]) / 20

    def test_masked_tokens_are_hidden_from_the_encoder(self, model, reader, monkeypatch):
        read, encoder, forward = [], model.roberta, model.roberta.forward
        monkeypatch.setattr(encoder, "forward", lambda **inputs: read.append(inputs["input_ids"]) or forward(**inputs))
        MaskedHeadStage(encoder, reader, replace(SMALL, mask=1.0)).step(1.0)

        assert set(read[0].unique().tolist()) == {BEGIN, PAD, END, MASK}

    def test_the_entropy_is_that_of_the_masked_tokens(self, model, reader):
        stage = MaskedHeadStage(model.roberta, reader, SMALL)
        stage._counts[7], stage._counts[8] = 3, 1

        assert stage.unigram_entropy == pytest.approx(0.5623351446188083)

    def test_a_head_is_stored_beside_an_encoder_that_stays_as_it_is(self, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.pretraining.__main__.size_of", lambda token: TINY)
        monkeypatch.setattr(MaskedHeadStage, "steps", 3)
        directory = build(0, "pocket_xs", tmp_path, SMALL)
        before, digest = {path: path.read_bytes() for path in directory.iterdir()}, weights_digest(directory)
        assert not has_masked_head(directory)
        add_head(directory, 0)
        note = json.loads((directory / "lm_head" / "lm_head.json").read_text())
        encoder, _ = load_encoder(directory)

        assert {path: path.read_bytes() for path in directory.iterdir() if path.is_file()} == before
        assert weights_digest(directory) == digest
        assert load_masked_head(directory, encoder).bias.abs().sum() > 0
        assert (note["steps"], note["first_loss"]) == (3, note["last_loss"])
        assert note["encoder_sha256"] == json.loads((directory / "pretraining.json").read_text())["weights_sha256"]

    def test_equal_runs_give_equal_heads(self, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.pretraining.__main__.size_of", lambda token: TINY)
        monkeypatch.setattr(MaskedHeadStage, "steps", 3)
        directory = build(0, "pocket_xs", tmp_path, SMALL)
        stored = []
        for _ in range(2):
            add_head(directory, 0)
            stored.append((directory / "lm_head" / "lm_head.safetensors").read_bytes())

        assert stored[0] == stored[1]


class TestRuns:
    def test_equal_runs_give_equal_weights(self, tokenizer):
        first, second = (loop.pretrain(0, TINY, SMALL, tokenizer).model.state_dict() for _ in range(2))

        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_progress_goes_through_both_stages(self, tokenizer):
        seen = []
        run = loop.pretrain(0, TINY, SMALL, tokenizer, seen.append)

        assert [(one.stage, one.step) for one in seen] == [
            ("alignment", 1),
            ("alignment", 2),
            ("discourse", 1),
            ("discourse", 2),
        ]
        assert run.stages == (seen[1], seen[3])

    def test_a_run_that_diverges_says_what_to_lower(self, tokenizer):
        with pytest.raises(TrainingFailed, match=r"alignment loss of .* is not a number at step 0; lower matrix_rate"):
            loop.pretrain(0, TINY, replace(SMALL, spread=1e30), tokenizer)

    def test_all_sizes_of_a_world_read_with_one_tokenizer(self, tmp_path, monkeypatch):
        path = tmp_path / "tokenizer.json"
        first = world_tokenizer(0, 600, path)
        monkeypatch.setattr("bench.pretraining.tokenizer.train_tokenizer", None)

        assert world_tokenizer(0, 600, path).to_str() == first.to_str()

    def test_what_is_saved_is_read_by_fine_tuning(self, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.pretraining.__main__.size_of", lambda token: TINY)
        directory = build(0, "pocket_xs", tmp_path, SMALL)
        encoder, config = load_encoder(directory)
        rows = encode(load_tokenizer(directory), nli_split("xnli", "test", "w0_agg").examples[:9], 64)
        note = json.loads((directory / "pretraining.json").read_text())

        assert directory == tmp_path / "w0" / "pocket_xs"
        assert (config.num_hidden_layers, config.hidden_size) == (2, 16)
        assert next(encoder.parameters()).dtype == torch.float32
        assert not rows.truncated.any()
        assert note["flags"] == ["aligned", "source_discourse", "tlm"]
        assert [stage["stage"] for stage in note["stages"]] == ["alignment", "discourse"]


def test_a_dose_is_flagged():
    assert Recipe(dose=0.1).flags == ("aligned", "discourse", "tlm")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Recipe(discourse_steps=0), "Got discourse_steps=0, but a stage takes at least 1 step."),
        (lambda: Recipe(scarce=9, plentiful=8), "Got scarce=9 and plentiful=8, but a scarce language has at least 1"),
        (lambda: Recipe(dose=1.5), "Got dose=1.5, but it is a share of documents, from 0 to 1."),
        (lambda: size_of("mbert"), "Got model='mbert', but the pocket models are pocket_xs, pocket_s"),
    ],
)
def test_bad_settings_say_what_fits(make, message):
    with pytest.raises(BadInput, match=message):
        make()


@pytest.mark.parametrize(
    "run",
    [
        lambda output: main(["--world", "0", "--model", "pocket_xs", "--output", output]),
        lambda output: cli.main(["pocket", "build", "--world", "0", "--model", "pocket_xs", "--output", output]),
    ],
    ids=["module", "crosscal"],
)
def test_both_commands_store_a_head_beside_the_model(run, tmp_path, monkeypatch, capsys):
    done = []
    monkeypatch.setattr("bench.pretraining.__main__.build", lambda world, model, output, *_: output / model)
    monkeypatch.setattr("bench.pretraining.__main__.add_head", lambda *given: done.append(given))

    assert run(str(tmp_path)) == 0
    assert done == [(tmp_path / "pocket_xs", 0)]
    assert capsys.readouterr().out.strip() == str(tmp_path / "pocket_xs")


def test_the_command_names_what_does_not_fit(capsys):
    assert main(["--model", "mbert"]) == 2
    assert "the pocket models are" in capsys.readouterr().err
