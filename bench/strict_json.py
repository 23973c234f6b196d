"""JSON from files that anybody may have written: what could not be written back as it was read is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

MAX_DEPTH = 50
_LARGEST = 2**63


def parse_json(text: str | bytes) -> Any:
    """Return the value of `text`, which is UTF-8 where it is bytes.

    Raises ValueError, saying why, for text that is no JSON and for what RFC 8259 lets every reader treat in its own
    way: numbers that are not finite, integers beyond 64 bits, a name that stands twice in one object, half of a
    surrogate pair, and more than MAX_DEPTH levels.
    """
    text = text.decode() if isinstance(text, bytes) else text
    try:
        value = json.loads(
            text, parse_constant=_refuse, parse_float=_real, parse_int=_integer, object_pairs_hook=_object
        )
    except RecursionError:
        raise _too_deep() from None
    # Each level opens with a bracket; most texts have too few to be too deep.
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(value)
    if "\\u" in text:
        _check_surrogates(value)
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is beyond what a float can be")
    return value


def _integer(text: str) -> int:
    # Python reads no integer of thousands of digits, and reads long ones slowly.
    if len(text) > 20 or not -_LARGEST <= (value := int(text)) < _LARGEST:
        raise ValueError(f"{text[:20]} is beyond 64 bits")
    return value


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place]))
        raise ValueError(f"the name {twice[:40]!r} stands twice in one object")
    return found


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        children = [list(one.values()) if isinstance(one, dict) else one for one in level]
        if not any(children):
            return
        level = [child for few in children for child in few if isinstance(child, (dict, list))]
    raise _too_deep()


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a string holds half of a surrogate pair") from None


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
