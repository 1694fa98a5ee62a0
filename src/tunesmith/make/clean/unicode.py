"""Repair text that was decoded wrongly ("cafÃ©" -> "café") and compose accents (NFC).

ftfy decides what is mojibake; its other repairs (quotes, ligatures, widths, entities) are switched off, because they
change text that is right.
"""

from __future__ import annotations

import ftfy

from tunesmith.make.clean.settle import settle

_CONFIG = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    fix_encoding=True,
    restore_byte_a0=True,
    replace_lossy_sequences=True,
    decode_inconsistent_utf8=True,
    fix_c1_controls=True,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    fix_surrogates=True,
    remove_control_chars=False,
    normalization="NFC",
    explain=False,
)


def repair_unicode(text: str) -> str:
    """Return the text decoded as it was meant, in normalisation form C."""
    # ASCII is always right, and most text is ASCII.
    return text if text.isascii() else settle(_fix, text)


def _fix(text: str) -> str:
    # ftfy works line by line; a form feed or a line separator inside must not make it split differently.
    return ftfy.fix_text(text, _CONFIG)
