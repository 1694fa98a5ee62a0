"""Random numbers that belong to a record: what becomes of it does not depend on its neighbours or on their order."""

from __future__ import annotations

import hashlib
import random


def generator(seed: int, record: str, method: str) -> random.Random:
    """Return the generator of one method on one record; `record` is its `record_id`."""
    digest = hashlib.sha256(f"{seed}\0{method}\0{record}".encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))
