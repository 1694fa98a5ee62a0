"""`python -m benchmarks.worker MODULE:FUNCTION FOLDER JSON`: one contender in a process of its own.

Says "ready" with its check, then does one round for each line that it reads, and answers with seconds, units and the
highest resident memory so far. Standard output belongs to the answers; what libraries print goes to standard error.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch


def keep_freed_memory() -> None:
    """Let glibc keep what was freed, as `tunesmith` tells it to: for us and for every peer at its best settings."""
    if sys.platform.startswith("linux"):
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 64 * 2**20)):  # mmap_max, trim_threshold, top_pad
            ctypes.CDLL(None).mallopt(option, value)


def peak_bytes() -> int:
    """Return this process's highest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Serve rounds until standard input ends."""
    target, folder, case = sys.argv[1:4]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(body: dict[str, Any]) -> None:
        answers.write(json.dumps(body) + "\n")

    module, _, function = target.partition(":")
    settings = json.loads(case)
    if settings.pop("keep_memory"):
        keep_freed_memory()
    contender = getattr(importlib.import_module(module), function)(Path(folder), **settings)
    contender.run()  # warm-up
    answer({"check": contender.check, "threads": torch.get_num_threads(), "torch": torch.__version__})
    for _ in sys.stdin:
        started = time.perf_counter()
        units = contender.run()
        seconds = time.perf_counter() - started
        answer({"seconds": seconds, "units": units, "peak_bytes": peak_bytes()})


if __name__ == "__main__":
    main()
