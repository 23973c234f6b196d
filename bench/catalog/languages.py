"""The languages of the real world (languages.csv) and of the artificial worlds, behind one look-up."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bench.catalog.language_info import LanguageInfo
from bench.errors import BadInput

_WORLD_LANGUAGE = re.compile(r"w([0-9]+)_[a-z0-9_]+\Z")


@dataclass(frozen=True, slots=True)
class RealLanguage:
    """One row of languages.csv; a missing measurement is None. Sources of the columns: docs/languages.md."""

    token: str
    name: str
    family: str
    script: str
    type: str
    group: str
    c_wals: float | None
    c_wals_features: int | None
    paradigm_size: float | None
    paradigm_treebank: str
    wals_22a: int | None
    grambank_fusion: float | None
    cc100_gib: float | None
    cc100_mtokens: float | None


@cache
def real_languages() -> dict[str, RealLanguage]:
    """Return the table of real languages by token, in the order of the file (English first)."""
    text = files("bench.catalog").joinpath("languages.csv").read_text(encoding="utf-8")
    return {row["token"]: _parse(row) for row in csv.DictReader(text.splitlines())}


def _parse(row: dict[str, str]) -> RealLanguage:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    def count(name: str) -> int | None:
        return int(row[name]) if row[name] else None

    return RealLanguage(
        token=row["token"], name=row["name"], family=row["family"], script=row["script"], type=row["type"],
        group=row["group"], c_wals=number("c_wals"), c_wals_features=count("c_wals_features"),
        paradigm_size=number("paradigm_size"), paradigm_treebank=row["paradigm_treebank"], wals_22a=count("wals_22a"),
        grambank_fusion=number("grambank_fusion"), cc100_gib=number("cc100_gib"), cc100_mtokens=number("cc100_mtokens"),
    )  # fmt: skip


def world_of(token: str) -> int | None:
    """Return the number of the artificial world a language token belongs to, or None for a real language."""
    match = _WORLD_LANGUAGE.match(token)
    return int(match[1]) if match else None


def source_of(world: int | None) -> str:
    """Return the token of the language that is trained on in an artificial world (None: the real one)."""
    return "en" if world is None else f"w{world}_src"


def language(token: str) -> LanguageInfo:
    """Return what reports need to know of one language; raises BadInput when there is no such language."""
    world = world_of(token)
    if world is not None:
        return _artificial(token, world)
    row = real_languages().get(token)
    if row is None:
        known = ", ".join(real_languages())
        raise BadInput(f"Got language={token!r}, which is not in the catalog; use one of {known}, or w0_src and so on.")
    return LanguageInfo(token=row.token, name=row.name, group=row.group, world="real", scarce=False)


def _artificial(token: str, world: int) -> LanguageInfo:
    from bench.data.artificial import describe, language_tokens

    if token not in language_tokens(world):
        known = ", ".join(language_tokens(world))
        raise BadInput(f"Got language={token!r}, which world {world} does not have; use one of {known}.")
    facts = describe(token)
    scarce = facts.data == "scarce"
    group = "source" if facts.source else "control" if facts.control else facts.group
    parts = [facts.control, facts.synthesis, facts.exponence, facts.categories, "scarce" if scarce else ""]
    name = " ".join(part for part in parts if part)
    return LanguageInfo(token=token, name=name, group=group, world=f"w{world}", scarce=scarce)
