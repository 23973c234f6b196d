"""Embeddings against transformers itself, and retrieval against a few lines of numpy."""

import numpy as np
import pytest
import torch

from bench.data.example import CorpusSentence, Provenance, Split, Translation
from bench.data.mirror import find_file, mirrors_from_environment
from bench.data.real import load_real
from bench.data.sources import Access
from bench.errors import BadInput
from bench.modeling.encoder import load_encoder
from bench.modeling.predict import embed
from bench.modeling.retrieval import retrieved, texts_of
from bench.modeling.tokenization import load_tokenizer
from bench.scores.retrieval import candidate_sets
from bench.scores.tally import task_scores
from tests.tiny_models import WORDS, make_tiny_model

ME5 = "models/intfloat/multilingual-e5-small"
TATOEBA_SW = "datasets/google/xtreme/tatoeba.swh/validation.parquet"
TEXTS = ["all", "cats sleep", "no dogs sing all birds", "some", " ".join(WORDS), "birds"]


@pytest.fixture(scope="module", params=["xlm-roberta", "bert"])
def tiny(request, tmp_path_factory):
    directory = make_tiny_model(tmp_path_factory.mktemp("tiny"), architecture=request.param, layers=3)
    return load_encoder(directory)[0], load_tokenizer(directory)


def pairs(n):
    return Split(
        "test", "sw", (), tuple(Translation(f"i{row}", f"g{row // 2}", f"t{row}", f"p{row}") for row in range(n)),
        Provenance("local"),
    )  # fmt: skip


@pytest.mark.parametrize("layer", [0, 1, 3])
def test_an_embedding_is_the_mean_of_a_layer_s_states_special_tokens_included(tiny, layer):
    encoder, tokenizer = tiny
    found, cost = embed(encoder, tokenizer, TEXTS, layer, 32, token_budget=24)
    expected = []
    for text in TEXTS:
        row = tokenizer(text, return_tensors="pt", return_token_type_ids=True)
        with torch.inference_mode():
            states = encoder(**row, output_hidden_states=True).hidden_states[layer]
        assert states.shape[1] == len(text.split()) + 2
        expected.append(states[0].mean(0).numpy())

    assert found == pytest.approx(np.stack(expected), abs=1e-5)
    assert (found.dtype, found.shape) == (np.float32, (6, 16))
    assert cost.examples == 6
    assert cost.tokens == cost.padded_tokens == sum(len(text.split()) + 2 for text in TEXTS)


def test_embeddings_of_two_layers_differ_and_a_cut_text_is_counted(tiny):
    first, last = (embed(*tiny, TEXTS, layer, 32)[0] for layer in (1, 3))

    assert np.abs(first - last).min(axis=1).max() > 1e-3
    assert embed(*tiny, TEXTS, 1, 5)[1].truncated == (2,)


@pytest.mark.parametrize("layer", [-1, 4])
def test_a_layer_that_there_is_not_is_named(tiny, layer):
    with pytest.raises(BadInput, match=rf"Got layer={layer}, but the encoder has 0 to 3; choose one of them\."):
        embed(*tiny, TEXTS, layer, 32)


def test_the_texts_are_all_translations_and_then_the_pivot():
    corpus = tuple(CorpusSentence(f"i{row}", "g", f"t{row}", row == 1) for row in range(3))

    assert texts_of(pairs(2)) == ["t0", "t1", "p0", "p1"]
    assert texts_of(Split("test", "de", (), corpus, Provenance("local"))) == ["t0", "t1", "t2"]


def test_queries_are_the_pivot_s_and_their_cosines_are_kept():
    # Angles in degrees: translations at 0, 90 and 45, of lengths that do not matter; the pivot at 10, 50 and 40.
    angles, lengths = np.radians([0, 90, 45, 10, 50, 40]), np.array([1, 5, 2, 1, 7, 0.1])
    vectors = (np.stack([np.cos(angles), np.sin(angles)], axis=1) * lengths[:, None]).astype(np.float32)
    found = retrieved(pairs(3), vectors)

    expected = np.cos(np.radians([[10, 80, 35], [50, 40, 5], [40, 50, 5]]))
    assert found.columns["everything"] == pytest.approx(expected, abs=1e-6)
    # The second of the pivot is nearer to the third translation.
    assert task_scores(found)["accuracy"].value == pytest.approx(2 / 3)
    assert found.columns["place"].tolist() == [0, 1, 2]
    assert found.columns["reverse"][:2].tolist() == [1, 1]
    assert found.item_ids.tolist() == ["i0", "i1", "i2"]
    assert found.group_ids.tolist() == ["g0", "g0", "g1"]
    assert found.metadata == {"kind": "retrieval", "labels": [], "language": "sw", "split": "test"}


def test_sentences_that_are_as_near_share_the_way_back():
    vectors = np.array([[1, 0], [0, 1], [1, 0], [1, 0]], dtype=np.float32)
    found = retrieved(pairs(2), vectors)

    # The first is as near to both of the pivot, and so is the second.
    assert found.columns["reverse"].tolist() == [0.5, 0.5]
    assert task_scores(found)["accuracy_reverse"].value == 0.5


def test_logits_are_the_cosines_with_the_candidates_and_the_label_is_the_right_one():
    vectors = np.random.default_rng(0).normal(size=(2 * 310, 8)).astype(np.float32)
    found = retrieved(pairs(310), vectors)
    sets, place = candidate_sets(310)

    assert found.logits.shape == (310, 300)
    for row in (0, 7, 309):
        assert found.logits[row].tolist() == found.columns["everything"][row][sets[row]].tolist()
        assert found.logits[row, found.labels[row]] == found.columns["everything"][row, row]
    assert found.labels.tolist() == place.tolist()


def few_lines(translations, pivot):
    """Return the accuracy there and back: normalise, multiply, argmax."""
    ours, theirs = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (translations, pivot))
    similarities = theirs.astype(np.float64) @ ours.astype(np.float64).T
    right = np.arange(len(ours))
    return [float((similarities.argmax(axis) == right).mean()) for axis in (1, 0)]


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_accuracy_is_that_of_normalise_multiply_and_argmax(noise):
    draw = np.random.default_rng(1)
    pivot = draw.normal(size=(120, 12))
    translations = pivot + noise * draw.normal(size=(120, 12))
    found = task_scores(retrieved(pairs(120), np.concatenate([translations, pivot]).astype(np.float32)))
    expected = few_lines(translations, pivot)

    assert [found[name].value for name in ("accuracy", "accuracy_reverse")] == expected
    assert expected[0] != expected[1] or noise < 1


@pytest.fixture(scope="module")
def mirrors():
    found = mirrors_from_environment()
    for path in (TATOEBA_SW, f"{ME5}/config.json"):
        if find_file(found, path) is None:
            pytest.skip(f"needs data: no mirror in CROSSCAL_MIRROR has {path}")
    return found


def plain_embeddings(directory, texts, layers, layer):
    """Return the mean states of `layer` of a model cut to `layers`, by plain calls of transformers."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    config = AutoConfig.from_pretrained(directory, local_files_only=True, num_hidden_layers=layers)
    model = AutoModel.from_pretrained(directory, config=config, local_files_only=True).eval()
    vectors = []
    for start in range(0, len(texts), 32):
        batch = tokenizer(texts[start : start + 32], padding=True, truncation=True, max_length=128, return_tensors="pt")
        with torch.inference_mode():
            states = model(**batch, output_hidden_states=True).hidden_states[layer]
        shown = batch["attention_mask"][..., None]
        vectors.append(((states * shown).sum(1) / shown.sum(1)).numpy())
    return np.concatenate(vectors)


@pytest.mark.mirror
def test_tatoeba_with_a_real_encoder_is_what_a_few_lines_compute(mirrors):
    directory = find_file(mirrors, f"{ME5}/config.json").path.parent
    split = load_real("tatoeba", "test", "sw", Access(mirrors))
    encoder, _ = load_encoder(directory, layers=3)
    vectors, _ = embed(encoder, load_tokenizer(directory), texts_of(split), 2, 128)
    found = task_scores(retrieved(split, vectors))
    texts = [[one.text for one in split.examples], [one.pivot for one in split.examples]]
    expected = few_lines(*(plain_embeddings(directory, side, 3, 2) for side in texts))

    assert len(split.examples) == 390
    assert [found[name].value for name in ("accuracy", "accuracy_reverse")] == expected
    assert 0.02 < expected[0] < 0.9
