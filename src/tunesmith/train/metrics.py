"""The numbers of a run: metrics.jsonl is the record, TensorBoard a view of it.

One line per step and source: {"step": 12, "train/loss": 2.31, ...}. A metric without any weight is null, never 0.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

LOSS = "train/loss"
LEARNING_RATE = "train/learning_rate"
TOKENS_PER_SECOND = "train/tokens_per_second"
GRAD_NORM = "train/grad_norm"


class MetricLog:
    """Appends to `path`, line by line flushed.

    On resume whatever came after the checkpoint is cut off, so that nothing comes twice: lines of later steps, and
    what lies beyond `offset`, the file's length when the checkpoint was written. `tensorboard`: folder of the event
    files, None for none.
    """

    def __init__(
        self, path: Path, *, step: int = 0, offset: int | None = None, tensorboard: Path | None = None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        truncate_after(path, step)
        if offset is not None and path.exists() and path.stat().st_size > offset:
            os.truncate(path, offset)
        self._stream = path.open("ab")
        self._writer = None if tensorboard is None else SummaryWriter(str(tensorboard), purge_step=step + 1)

    @property
    def offset(self) -> int:
        """Bytes written so far."""
        return self._stream.tell()

    def write(self, step: int, values: Mapping[str, float | None]) -> None:
        """Append one line; values that are not finite are written as null."""
        clean = {name: v if v is not None and math.isfinite(v) else None for name, v in values.items()}
        self._stream.write((json.dumps({"step": step, **clean}) + "\n").encode())
        self._stream.flush()
        if self._writer is not None:
            for name, value in clean.items():
                if value is not None:
                    self._writer.add_scalar(name, value, step)

    def sync(self) -> None:
        """Wait until the disk has every line; a checkpoint must not be ahead of its metrics."""
        os.fsync(self._stream.fileno())
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Close both files."""
        self._stream.close()
        if self._writer is not None:
            self._writer.close()


def truncate_after(path: Path, step: int) -> None:
    """Cut a metrics file before the first line that is torn or belongs to a later step than `step`."""
    if not path.exists():
        return
    keep = 0
    with path.open("rb") as stream:
        for line in stream:
            if not line.endswith(b"\n") or _step_of(line) > step:
                break
            keep += len(line)
    os.truncate(path, keep)


def _step_of(line: bytes) -> float:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
