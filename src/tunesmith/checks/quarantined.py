"""A row that the reader set aside is a finding too: `broken.<what>`, always an error, whatever checks are chosen."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.checks.finding import Finding
from tunesmith.formats.imported import Quarantined

# Part of the reader's reason -> the kind of finding; the first that fits. What fits none is a fault of the schema.
KINDS: Mapping[str, str] = {
    "the limit for one row": "oversize",
    "bytes long": "oversize",
    "not valid UTF-8": "encoding",
    "zero byte": "encoding",
    "lone surrogate": "encoding",
    "cannot be decoded": "encoding",
    "str is not valid UTF-8": "encoding",
    "is not valid JSON": "json",
    "cut off": "json",
    "stands behind the end": "json",
    "compressed file is damaged": "json",
    "valid CSV": "csv",
    "cells where the header": "csv",
    "unknown role": "role",
    "assistant turn": "role",
    "user turn": "role",
    "is empty": "empty",
    "must be": "type",
    "not text": "type",
}
# orjson says so of bytes that are no UTF-8 and of a nesting over its limit; both arrive as "not valid JSON".
SPECIAL: Mapping[str, str] = {"utf-8": "encoding", "depth limit": "depth"}


def finding_of(row: Quarantined) -> Finding:
    """Return the finding that says why a row was set aside."""
    return Finding(row.file, row.line, row.field, f"broken.{_kind(row.reason)}", row.reason, "error")


def _kind(reason: str) -> str:
    low = reason.lower()
    for part, kind in SPECIAL.items():
        if part in low:
            return kind
    return next((kind for part, kind in KINDS.items() if part in reason), "schema")
