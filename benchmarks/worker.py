"""`python -m benchmarks.worker MODULE:FUNCTION FOLDER JSON`: one contender in a process of its own.

Says "ready" with its check, then does one round for each line that it reads, and answers with seconds, units and the
highest resident memory so far. Standard output belongs to the answers; what libraries print goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch


def main() -> None:
    """Serve rounds until standard input ends."""
    target, folder, case = sys.argv[1:4]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(body: dict[str, Any]) -> None:
        answers.write(json.dumps(body) + "\n")

    module, _, function = target.partition(":")
    contender = getattr(importlib.import_module(module), function)(Path(folder), **json.loads(case))
    contender.run()  # warm-up
    answer({"check": contender.check, "threads": torch.get_num_threads(), "torch": torch.__version__})
    for _ in sys.stdin:
        started = time.perf_counter()
        units = contender.run()
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        answer({"seconds": seconds, "units": units, "peak_bytes": peak})


if __name__ == "__main__":
    main()
