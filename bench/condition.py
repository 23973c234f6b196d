"""One cell of the experiment: what is trained on what, and read in which language."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import lru_cache

from bench.errors import BadInput

_TOKEN = re.compile(r"[a-z0-9_]+\Z")
_SEED = re.compile(r"s(0|[1-9][0-9]{0,18})\Z")
# What generators of random numbers take, and what JSON keeps.
_SEEDS = 2**63
# pytest's -k reads these words as operators, so a token of that name could never be selected.
_RESERVED = frozenset({"and", "or", "not"})


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """A condition and its id, `<model>-<intermediate>-<target>-<language>-s<seed>[-<variant>]`.

    In the artificial world the language token carries the world, as in `w0_agg`. An empty variant is the plain
    training. Raises BadInput for a token outside `[a-z0-9_]+`, a `-k` keyword, or a seed that is no integer >= 0 and
    < 2^63.
    """

    model: str
    intermediate: str
    target: str
    language: str
    seed: int
    variant: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "seed":
                _check_token(field.name, getattr(self, field.name))
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < _SEEDS:
            raise BadInput(f"Got seed={self.seed!r}, but a seed is an integer of 0 or more and below 2^63, such as 0.")

    @property
    def id(self) -> str:
        """The id, unique and readable back by `from_id`."""
        parts = [self.model, self.intermediate, self.target, self.language, f"s{self.seed}"]
        return "-".join(parts + ([self.variant] if self.variant else []))

    @classmethod
    # Rows, ledger and reports ask for the same one time and again.
    @lru_cache(maxsize=1024)
    def from_id(cls, text: str) -> Condition:
        """Return the condition whose id is `text`; raises BadInput when it is not an id."""
        parts = text.split("-")
        seed = _SEED.match(parts[4]) if len(parts) in (5, 6) else None
        if seed is None:
            raise BadInput(
                f"Got id={text!r}, but an id reads <model>-<intermediate>-<target>-<language>-s<seed>[-<variant>], "
                "such as xlmr_large-snli-xnli-sw-s0."
            )
        model, intermediate, target, language = parts[:4]
        return cls(model, intermediate, target, language, int(seed[1]), *parts[5:])


def _check_token(name: str, value: str) -> None:
    if name == "variant" and value == "":
        return
    if not isinstance(value, str) or not _TOKEN.match(value):
        raise BadInput(f"Got {name}={value!r}, but a token consists of a-z, 0-9 and _ only.")
    if value in _RESERVED:
        raise BadInput(
            f"Got {name}={value!r}, which is an operator of pytest -k; choose another token, such as in_{value}."
        )
