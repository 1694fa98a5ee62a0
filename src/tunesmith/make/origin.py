"""What a made record remembers of the records it was made from, so that a split never parts them."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.records import Record
from tunesmith.store.splits import split_keys


def split_keys_of(parents: Sequence[Record]) -> list[str]:
    """Return the split keys of all parents, each once, in order: the `split_keys` of a made record's meta."""
    return list(dict.fromkeys(key for parent in parents for key in split_keys(parent)))
