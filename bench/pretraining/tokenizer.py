"""The unigram tokenizer of a world, trained on the same number of sentences in every language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.catalog.models import shipped_pocket_directory
from bench.data.artificial import language_tokens
from bench.data.artificial.corpus import documents
from bench.data.artificial.grammar import language
from bench.small_files import replace_text

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BEGIN, PAD, END, UNKNOWN, MASK = range(5)
_SENTENCES_FROM = 2000
# The trainer proposes only substrings that it finds twice among the *distinct* words, so a word would never be a piece
# of its own. Every word is shown twice, with these marks, and pieces that hold a mark are dropped afterwards.
_MARKS = "01"


def world_tokenizer(world: int, vocabulary: int, path: Path) -> Any:
    """Return the tokenizer kept in `path`, trained and kept there if it is not.

    All sizes of a world read alike; and the trainer, unlike all else here, gives another result each time.
    """
    from tokenizers import Tokenizer

    if not path.is_file():
        replace_text(path, train_tokenizer(world, vocabulary).to_str())
    return Tokenizer.from_file(str(path))


def shipped_tokenizer(world: int, vocabulary: int) -> Any:
    """Return the tokenizer that the models of a world ship with, or a new one of `vocabulary` pieces where none do."""
    path = shipped_pocket_directory(world) / "tokenizer.json"
    return world_tokenizer(world, vocabulary, path) if path.is_file() else train_tokenizer(world, vocabulary)


def train_tokenizer(world: int, vocabulary: int) -> Any:
    """Return a `tokenizers.Tokenizer` of about `vocabulary` pieces that reads pairs as XLM-R does.

    It is trained on what the scarce and the plentiful languages say alike, so none is favoured.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), unk_token="<unk>", max_piece_length=8, show_progress=False
    )
    trained.train_from_iterator(_marked_sentences(world), trainer)
    pieces = [(piece, score) for piece, score in json.loads(trained.to_str())["model"]["vocab"]]
    kept = {piece: score for piece, score in pieces if not set(piece) & set(_MARKS)}
    # The polarity of a sentence is asked for as one token, so its words are pieces whatever the trainer found.
    common = max(score for piece, score in kept.items() if piece not in SPECIAL)
    for token in language_tokens(world):
        for word in language(token).polarity:
            kept.setdefault(f"▁{word}", common)
    tokenizer = Tokenizer(models.Unigram(list(kept.items()), unk_id=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)]
    )
    return tokenizer


def _marked_sentences(world: int) -> Iterator[str]:
    shown = documents(world, _SENTENCES_FROM)
    for token in language_tokens(world):
        speaker = language(token)
        for document in shown:
            for description in (document.first, document.second):
                words = speaker.sentence(description).split()
                for mark in _MARKS:
                    yield " ".join(word + mark for word in words)
