"""Token rows in the store: a split is tokenized once for each tokenizer and length, whichever model reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.canonical import digest
from bench.data.example import Split
from bench.store import Store

if TYPE_CHECKING:
    from bench.modeling.tokenization import Encoded
    from bench.modeling.workload import Kept

_FILE = "tokens.arrow"

# Fewer examples are tokenized sooner than a tokenizer of 250,000 pieces is hashed.
_WORTH_KEEPING = 5_000


def kept_tokens(store: Store) -> Kept:
    """Return where token rows come from: `store`, which gets those of larger splits the first time."""
    import tokenizers

    from bench.modeling.token_file import read_tokens, write_tokens

    def kept(tokenizer: Any, split: Split, max_length: int, make: Callable[[], Encoded]) -> Encoded:
        if len(split.examples) < _WORTH_KEEPING:
            return make()
        identity = {
            "tokenizer": digest(tokenizer.backend_tokenizer.to_str()),
            "tokenizers": tokenizers.__version__,
            "data": split.fingerprint,
            "max_length": max_length,
        }

        def write(directory: Path) -> Mapping[str, Any]:
            write_tokens(directory / _FILE, make())
            return {"shown": f"{split.name} in {split.language}, {len(split.examples)} examples"}

        entry, _ = store.ensure("tokens", digest(identity), identity, write)
        return read_tokens(entry.path / _FILE)

    return kept
