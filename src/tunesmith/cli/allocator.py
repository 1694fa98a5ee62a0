"""Tell glibc to keep freed memory: a training step frees and asks for the same large blocks again and again.

By default such blocks go back to the system and every page of the next one is a page fault. The person's own
MALLOC_* variables and other C libraries are left alone.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_LARGEST_INT, _PAD_BYTES = 2**31 - 1, 64 * 2**20


def keep_freed_memory(environment: Mapping[str, str]) -> bool:
    """Return True where glibc took the settings, for the rest of this process."""
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in environment):
        return False
    with contextlib.suppress(OSError, AttributeError, TypeError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _LARGEST_INT), (_M_TOP_PAD, _PAD_BYTES))
        return all([mallopt(name, value) == 1 for name, value in settings])
    return False
