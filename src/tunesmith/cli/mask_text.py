"""A masked row in colour, or with brackets where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunesmith.text.mask_view import MaskedRow

_COLOURS = {"learned": "\x1b[32m", "read": "\x1b[2m", "cut": "\x1b[9;31m"}
_RESET = "\x1b[0m"
_BRACKETS = {"learned": "⟦{}⟧", "read": "{}", "cut": "✂{}✂"}


def coloured(row: MaskedRow, *, in_colour: bool) -> str:
    """Return the row's text: learned green or in ⟦ ⟧, read dim or plain, cut red and struck or in scissors.

    Escape characters of the data are shown as `␛`, so that a row cannot paint the terminal itself.
    """
    parts = []
    for stretch in row.stretches:
        text = stretch.text.replace("\x1b", "␛")
        if in_colour:
            parts.append(f"{_COLOURS[stretch.state]}{text}{_RESET}")
        else:
            parts.append(_BRACKETS[stretch.state].format(text))
    return "".join(parts)
