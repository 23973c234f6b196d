"""Which languages a world has and what sets them apart: the factors, as facts that need no lexicon."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.errors import BadInput

WORLDS = (0, 1, 2, 3, 4)
FREE, BOUND, INTROFLEXIVE = "free", "bound", "introflexive"
ONE, CUMULATIVE = "one", "cumulative"
FEW, MANY = "few", "many"

# Type: synthesis, exponence, obligatory categories. A row differs from the one before it in one factor alone.
TYPES: dict[str, tuple[str, str, str]] = {
    "isx": (FREE, ONE, MANY),
    "iso": (FREE, ONE, FEW),
    "agf": (BOUND, ONE, FEW),
    "agg": (BOUND, ONE, MANY),
    "fus": (BOUND, CUMULATIVE, MANY),
    "int": (INTROFLEXIVE, CUMULATIVE, MANY),
}
_SCARCE = ("iso", "agg", "fus")
SOURCE, CLONE, IDENTICAL = "src", "cln", "idn"
_CODES = (SOURCE, *TYPES, *(f"{code}_lo" for code in _SCARCE), CLONE, IDENTICAL)
_TOKEN = re.compile(r"w(0|[1-9][0-9]*)_([a-z_]+)\Z")
VERB_ORDERS = ("SVO", "SOV", "VSO")
_ORDERS = 6


@dataclass(frozen=True, slots=True)
class LanguageFacts:
    """A language of an artificial world.

    `type` is a key of TYPES; `data` is "plenty" or "scarce"; `group` is "rich" (bound or introflexive, many
    categories), "poor" (free, few) or "between"; `verb_order` is one of VERB_ORDERS and `adjective_first` says where
    attributes stand; `control` is "" or "source", "clone", "identical".
    """

    token: str
    world: int
    code: str
    type: str
    data: str
    verb_order: str
    adjective_first: bool
    control: str = ""

    @property
    def synthesis(self) -> str:
        """FREE, BOUND or INTROFLEXIVE."""
        return TYPES[self.type][0]

    @property
    def exponence(self) -> str:
        """ONE category a marker, or CUMULATIVE."""
        return TYPES[self.type][1]

    @property
    def categories(self) -> str:
        """FEW obligatory categories, or MANY: also case, agreement of the verb and of attributes."""
        return TYPES[self.type][2]

    @property
    def group(self) -> str:
        """ "rich", "between" or "poor"."""
        if self.synthesis == FREE:
            return "poor" if self.categories == FEW else "between"
        return "rich" if self.categories == MANY else "between"

    @property
    def role(self) -> str:
        """What the language is there for: its control, or its group and whether it is scarce, as in "rich, scarce"."""
        return self.control or (f"{self.group}, scarce" if self.data == "scarce" else self.group)

    @property
    def source(self) -> bool:
        """Whether tasks are trained in this language."""
        return self.control == "source"


def source_type(world: int) -> str:
    """Return the type of a world's source language: isolating in even worlds, agglutinative in odd ones."""
    return "agg" if world % 2 else "iso"


def language_tokens(world: int) -> tuple[str, ...]:
    """Return the language tokens of a world, the source first; raises BadInput for a negative world."""
    if world < 0:
        raise BadInput(f"Got world={world}, but a world is an integer of 0 or more, such as 0.")
    return tuple(f"w{world}_{code}" for code in _CODES)


def describe(token: str) -> LanguageFacts:
    """Return the facts of the language named by `token`, such as "w0_agg_lo"; raises BadInput for any other text."""
    match = _TOKEN.match(token)
    if match is None or match[2] not in _CODES:
        raise BadInput(
            f"Got language={token!r}, but an artificial language reads w<world>_<code> with one of the codes "
            f"{', '.join(_CODES)}."
        )
    world, code = int(match[1]), match[2]
    controls = {SOURCE: "source", CLONE: "clone", IDENTICAL: "identical"}
    kind = source_type(world) if code in controls else code.removesuffix("_lo")
    # The source's order is fixed, those of the types turn from world to world, so no type keeps the source's order.
    order = 0 if code in controls else (list(TYPES).index(kind) + world) % _ORDERS
    data = "scarce" if code.endswith("_lo") else "plenty"
    verb_order, adjective_first = VERB_ORDERS[order // 2], order % 2 == 0
    return LanguageFacts(token, world, code, kind, data, verb_order, adjective_first, controls.get(code, ""))
