"""The order of languages in figures: from the morphologically richest to the poorest, as far as that is known."""

from __future__ import annotations

from collections.abc import Iterable

from bench.catalog.language_info import GROUPS, LanguageInfo
from bench.catalog.languages import real_languages


def by_richness(infos: Iterable[LanguageInfo]) -> tuple[LanguageInfo, ...]:
    """Return the languages by group (source, rich, between, poor, other, control), in each the richest first.

    Richness is C_WALS in the real world, where it is known, and the number of factors that a type of an artificial
    world turns towards it; a scarce language follows its plentiful twin.
    """
    return tuple(sorted(infos, key=lambda info: (GROUPS.index(info.group), _poverty(info), info.scarce, info.token)))


def _poverty(info: LanguageInfo) -> float:
    if info.world == "real":
        row = real_languages().get(info.token)
        return 0.0 if row is None or row.c_wals is None else -row.c_wals
    from bench.data.artificial.languages import TYPES, describe

    return -float(list(TYPES).index(describe(info.token).type))
