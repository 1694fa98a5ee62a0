"""The toxicity scorer of an evaluation: the shipped one, or one from a folder."""

from __future__ import annotations

from pathlib import Path

from tunesmith.evaluate.toxicity_model import ToxicityModel, load_toxicity


def open_toxicity(folder: str) -> ToxicityModel:
    """Return the scorer in the folder; the shipped one where none is named."""
    return load_toxicity(Path(folder)) if folder else load_toxicity()
