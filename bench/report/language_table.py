"""The facts of the languages a set of rows needs, out of the catalog."""

from __future__ import annotations

from collections.abc import Iterable

from bench.catalog.language_info import LanguageInfo
from bench.catalog.languages import language, real_languages, world_of
from bench.report.sections import REAL
from bench.rows import Row


def languages_of(rows: Iterable[Row]) -> dict[str, LanguageInfo]:
    """Return all languages of every world that `rows` come from, not only those that have rows."""
    samples = {row.world: row.condition.language for row in rows}
    tokens = [token for world in sorted(samples) for token in _tokens(world, samples[world])]
    return {token: language(token) for token in tokens}


def _tokens(world: str, sample: str) -> Iterable[str]:
    if world == REAL:
        return real_languages()
    from bench.data.artificial import language_tokens

    number = world_of(sample)
    return [] if number is None else language_tokens(number)
