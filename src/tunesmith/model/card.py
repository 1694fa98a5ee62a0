"""The file in a model folder that says what made the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

CARD = "tunesmith.json"


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card of a model folder; empty where there is none (the model was made by something else)."""
    path = folder / CARD
    return dict(orjson.loads(path.read_bytes())) if path.is_file() else {}
