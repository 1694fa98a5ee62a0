from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tunesmith.cli.allocator import keep_freed_memory

FAULTS = """
import resource, sys
from tunesmith.cli.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory({})
for _ in range(20):
    block = bytearray(b"x") * 48_000_000
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def test_a_persons_own_settings_stay() -> None:
    assert not keep_freed_memory({"MALLOC_ARENA_MAX": "2"})
    assert not keep_freed_memory({"GLIBC_TUNABLES": "glibc.malloc.check=1"})


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_pages_are_faulted_in_once() -> None:
    """Blocks over 32 MB are mapped anew each time by default: 20 times 11,700 pages of 4 KiB."""

    def faults(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert faults("as it is") - faults("keep") > 100_000
