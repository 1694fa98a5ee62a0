"""Writing so that a reader, also after a power cut, finds the old bytes or the new ones and nothing between."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until the disk has it."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync_directory(path: Path) -> None:
    """Wait until the disk has a directory's entries (new, renamed and removed names)."""
    if os.name == "nt":  # Windows cannot open a directory; NTFS journals names itself
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes, *, write: Callable[[Path, bytes], None] = write_synced) -> None:
    """Replace a file's content in one step."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        write(temporary, data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def json_bytes(value: Any) -> bytes:
    """Return strict JSON (no NaN), indented, keys in the order given."""
    return (json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()
