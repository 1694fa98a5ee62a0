from __future__ import annotations

from tunesmith.cli.mask_text import coloured
from tunesmith.text.mask_view import MaskedRow, Stretch

ROW = MaskedRow("head", [Stretch("a\x1b[31m", "read", 2), Stretch("b", "learned", 1), Stretch("c", "cut", 1)])


def test_colours_or_brackets_and_no_foreign_escapes() -> None:
    assert coloured(ROW, in_colour=False) == "a␛[31m⟦b⟧✂c✂"
    assert coloured(ROW, in_colour=True) == "\x1b[2ma␛[31m\x1b[0m\x1b[32mb\x1b[0m\x1b[9;31mc\x1b[0m"
