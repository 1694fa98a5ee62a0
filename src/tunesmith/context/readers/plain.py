"""Plain text: a paragraph is a block."""

from __future__ import annotations

import re

from tunesmith.context.page import Block
from tunesmith.context.readers.parsed import Parsed, decoded


def read(data: bytes) -> Parsed:
    """Return the paragraphs of a text file."""
    return Parsed("", [Block("", part.strip()) for part in re.split(r"\n\s*\n", decoded(data)) if part.strip()], [])
