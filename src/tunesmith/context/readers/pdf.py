"""PDF through pypdf: the text of each page under `page N`. A scanned page has no text and is named."""

from __future__ import annotations

import io
import re

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from tunesmith.context.page import Block
from tunesmith.context.readers.parsed import Parsed
from tunesmith.core.errors import DataError

PAGE_LIMIT = 500


def read(data: bytes) -> Parsed:
    """Return the paragraphs of each page.

    Raises:
        DataError: the file is damaged, locked by a password, or has more than `PAGE_LIMIT` pages.
    """
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DataError("is locked by a password", remedy="save an unlocked copy")
        if len(reader.pages) > PAGE_LIMIT:
            raise DataError(f"has {len(reader.pages)} pages", why=f"the limit is {PAGE_LIMIT}", remedy="split it")
        texts = [page.extract_text() for page in reader.pages]
        title = reader.metadata.title if reader.metadata else None
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError, OSError, AttributeError, IndexError) as error:
        # pypdf raises these on damaged files; a damaged page of a workspace is named, never fatal.
        raise DataError("cannot be read as PDF", why=f"{type(error).__name__}: {error}"[:200]) from error
    blocks, empty = [], []
    for number, text in enumerate(texts, start=1):
        parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
        blocks += [Block(f"page {number}", part) for part in parts]
        if not parts:
            empty.append(number)
    notes = [f"page(s) {', '.join(map(str, empty[:10]))} hold no text (scanned?)"] if empty else []
    return Parsed(str(title or ""), blocks, notes)
