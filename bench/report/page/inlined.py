"""SVG files as parts of a page."""

from __future__ import annotations

import re

_HEAD = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
_ID = re.compile(r'(\bid="|url\(#|\bhref="#)')


def inlined(svg: str, place: int, label: str) -> str:
    """Return the SVG element of the file `svg` for a page where it is figure number `place`; `label` is HTML.

    Its ids get the number in front, because those of two figures may be the same.
    """
    element = _METADATA.sub("", _HEAD.sub("", svg, count=1)).strip()
    own = _ID.sub(rf"\g<1>f{place}-", element)
    return own.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
