"""Where things are kept that can be made again: built kernels, vectors of passages."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """Return the user's folder for one kind of thing, made if need be and readable by this user alone.

    Below `XDG_CACHE_HOME`, or `~/.cache`.

    Raises:
        OSError: it cannot be made.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "tunesmith" / kind
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
