"""What a reader returns, and how bytes become text."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from tunesmith.context.page import Block
from tunesmith.core.errors import DataError
from tunesmith.formats.byte_source import utf16_name


class Parsed(NamedTuple):
    """A file's title ("" where it has none), its text in blocks, and what was left out."""

    title: str
    blocks: list[Block]
    notes: list[str]


def decoded(data: bytes) -> str:
    """Return a text file's content: UTF-8 (with or without its mark) or UTF-16, line ends as newlines.

    Raises:
        DataError: it is neither, or it holds NUL bytes.
    """
    encoding = utf16_name(data[:4096]) or "utf-8"
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError("is not UTF-8 or UTF-16 text", why=f"byte {error.start}", remedy="save it as UTF-8") from error
    if "\0" in text:
        raise DataError("holds NUL bytes, so it is no text", remedy="remove it from the workspace")
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
