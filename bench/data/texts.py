"""Plain sentences of one language, for masked language modelling beside a task."""

from __future__ import annotations

import re

from bench.data import mirror
from bench.data.sources import Access
from bench.errors import BadInput, DataError, Unavailable

_ARTIFICIAL = re.compile(r"w([0-9]+)_")


def load_texts(language: str, count: int, access: Access) -> tuple[str, ...]:
    """Return the first `count` texts of `language`, or all there are.

    Artificial ones are sentences of the world's pretraining corpus. Real ones are a user's: column `text` of
    datasets/texts/<language>/train.parquet in a mirror. Raises Unavailable("data") where there is no such file,
    DataError for one without that column.
    """
    if count < 1:
        raise BadInput(f"Got count={count}, but a language needs at least 1 text.")
    match = _ARTIFICIAL.match(language)
    return _real(language, count, access) if match is None else _artificial(int(match[1]), language, count)


def _artificial(world: int, token: str, count: int) -> tuple[str, ...]:
    from bench.data.artificial.corpus import documents
    from bench.data.artificial.grammar import language

    speaker = language(token)
    said = (one for document in documents(world, (count + 1) // 2) for one in (document.first, document.second))
    return tuple(speaker.sentence(one) for one in said)[:count]


def _real(language: str, count: int, access: Access) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = mirror.find_file(access.mirrors, texts_path(language))
    if found is None:
        raise Unavailable("data", missing_texts(language))
    try:
        column = pq.ParquetFile(found.path).read(columns=["text"])["text"]
        if not pa.types.is_string(column.type):
            raise TypeError(f"it is {column.type}, not string")
        texts = column.slice(0, count).to_pylist()
    except (KeyError, TypeError, OSError, pa.ArrowException) as error:
        raise DataError(f"{found.path} has no readable column 'text' ({error}); write one text a row.") from error
    kept = tuple(text for text in texts if text and text.strip())
    if not kept:
        raise DataError(f"{found.path} has no text in its column 'text'; write one text a row.")
    return kept


def texts_path(language: str) -> str:
    """Return where texts of a real language lie in a mirror."""
    return f"datasets/texts/{language}/train.parquet"


def missing_texts(language: str) -> str:
    """Return what to say where there are none."""
    return f"no mirror has {texts_path(language)}; put a file with a column 'text' there"
