"""Tokens become text one at a time, without ever giving out half a character."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.text.tokenizer import Tokenizer

UNFINISHED = "\ufffd"  # what a decoder writes for bytes that are not (yet) a character


class TokenStream:
    """The text of a growing list of ids. What was given out, joined, is the text of all ids (after `flush`).

    A token's text can depend on the one before it, so each is decoded together with the last piece that was given out.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._shown = 0  # ids[:shown] have been given out
        self._context = 0  # ids[context:shown] was the last piece

    def add(self, ids: Sequence[int]) -> str:
        """Return the text that these ids complete; empty while a character lacks bytes."""
        self._ids += ids
        text = self._new_text()
        return "" if text.endswith(UNFINISHED) else self._give(text)

    def flush(self) -> str:
        """Return what is held back, as it stands: nothing more comes."""
        return self._give(self._new_text())

    def _new_text(self) -> str:
        before = self._tokenizer.decode(self._ids[self._context : self._shown])
        return self._tokenizer.decode(self._ids[self._context :])[len(before) :]

    def _give(self, text: str) -> str:
        if text:
            self._context, self._shown = self._shown, len(self._ids)
        return text
