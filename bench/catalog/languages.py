"""The languages of the real world (languages.csv) and of the artificial worlds, behind one look-up."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from math import isfinite

from bench.catalog.language_info import GROUPS, LanguageInfo
from bench.errors import BadInput, DataError

_TOKEN = re.compile(r"[a-z0-9_]+\Z")
_WORLD_LANGUAGE = re.compile(r"w([0-9]{1,18})_[a-z0-9_]+\Z")


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
    return parse_languages(files("bench.catalog").joinpath("languages.csv").read_bytes())


def parse_languages(content: bytes) -> dict[str, RealLanguage]:
    """Return the table in the bytes of languages.csv, by token; raises DataError, naming the line, for another file."""
    try:
        return _table(content.decode().splitlines())
    except (ValueError, csv.Error) as error:
        raise DataError(f"languages.csv is no table of languages ({error}); install the package again.") from error


def _table(lines: list[str]) -> dict[str, RealLanguage]:
    reader = csv.DictReader(lines, strict=True)
    names = [field.name for field in fields(RealLanguage)]
    if list(reader.fieldnames or ()) != names:
        raise ValueError(f"its columns are not {', '.join(names)}")
    found: dict[str, RealLanguage] = {}
    for row in reader:
        try:
            language = _parse(row)
        except ValueError as error:
            raise ValueError(f"line {reader.line_num}: {error}") from error
        if language.token in found:
            raise ValueError(f"line {reader.line_num}: {language.token} stands twice")
        found[language.token] = language
    if not found:
        raise ValueError("it has no row")
    return found


def _parse(row: dict[str, str]) -> RealLanguage:
    if None in row or None in row.values():
        raise ValueError("it has more or fewer cells than there are columns")
    if not _TOKEN.match(row["token"]):
        raise ValueError(f"{row['token']!r} is no token")
    if row["group"] not in GROUPS:
        raise ValueError(f"{row['group']!r} is no group")

    def number(name: str) -> float | None:
        if row[name] and not isfinite(float(row[name])):
            raise ValueError(f"{name} is {row[name]}")
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
