"""Names of random streams, so that what two arms share is drawn alike whatever else differs."""

from __future__ import annotations

import hashlib


def stream_seed(*parts: str | int) -> int:
    """Return a 63-bit seed for the random stream named by `parts`; distinct names give unrelated streams."""
    name = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
