"""How much memory this process may use: the machine's, or less where a control group (a container) says so."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil

# (limit, in use) of control groups, version 2 and version 1.
_GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


class MemoryLimit(NamedTuple):
    """Bytes in all and free; `source` names what sets the limit."""

    total_bytes: int
    free_bytes: int
    source: str


def memory_limit(groups: tuple[tuple[Path, Path], ...] = _GROUPS) -> MemoryLimit:
    """Return the smaller of the machine's memory and its control group's limit."""
    machine = psutil.virtual_memory()
    for limit_file, used_file in groups:
        limit = _number(limit_file)
        if limit is not None and limit < machine.total:
            free = min(machine.available, max(0, limit - (_number(used_file) or 0)))
            return MemoryLimit(limit, free, str(limit_file))
    return MemoryLimit(machine.total, machine.available, "the machine")


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):  # no such group here
        return None
    return int(text) if text.isdigit() else None
