"""The languages a target task is evaluated in, in the real world and in the artificial ones."""

from __future__ import annotations

from bench.catalog import tasks
from bench.catalog.languages import source_of

# The clone differs from the source in words alone, and is in no average: its pairs may fit a temperature.
_PIVOT = "cln"


def target_languages(target: str, world: int | None) -> tuple[str, ...]:
    """Return every language of `target`, the source first where it trains; a retrieval task has none."""
    task = tasks.target(target)
    if world is None:
        return task.languages
    from bench.data.artificial import language_tokens

    tokens = language_tokens(world)
    return tokens if task.trains else tuple(token for token in tokens if token != source_of(world))


def pivot_of(target: str, world: int | None) -> str:
    """Return the language whose pairs with the pivot fit the temperature of a retrieval task; "" for other tasks."""
    pivot = tasks.target(target).pivot
    return f"w{world}_{_PIVOT}" if pivot and world is not None else pivot
