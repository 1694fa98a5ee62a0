"""`python -m benchmarks.growth_run JSON`: one supervised fine-tuning run in a process of its own, watched from outside.

The run is the recipe of `tunesmith train sft` with its defaults: it reads the file, holds rows out, renders, and draws
every step from all rows. Memory is read when it begins, when it hands over to the engine, and when the last step is
done, before the checkpoint. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import psutil

from benchmarks.worker import keep_freed_memory, peak_bytes
from tunesmith.core.run_context import RunContext
from tunesmith.recipes import sft, stage
from tunesmith.train.engine import TrainResult
from tunesmith.train.objective import CountsTokens, MicroBatch, StateTree, StepSource
from tunesmith.train.task import TrainingTask


class Run(NamedTuple):
    """What a run took: set-up and timed steps in seconds, real tokens of those steps, resident memory in bytes."""

    setup_s: float
    training_s: float
    tokens: int
    bytes_before: int
    bytes_after_setup: int
    bytes_peak: int

    @property
    def rate(self) -> float:
        """Tokens a second of the timed steps."""
        return self.tokens / self.training_s


class WatchedSource:
    """A `StepSource` that notes when each step begins and how many tokens it has; the last note is the end's."""

    def __init__(self, source: StepSource) -> None:
        self._source = source
        self.begins: list[float] = []
        self.tokens: list[int] = []
        self.bytes_peak = 0

    @property
    def total_steps(self) -> int:
        return self._source.total_steps

    def next_step(self) -> Sequence[MicroBatch] | None:
        self.begins.append(time.perf_counter())
        batches = self._source.next_step()
        if batches is None:
            self.bytes_peak = peak_bytes()
        self.tokens.append(sum(b.tokens for b in batches or [] if isinstance(b, CountsTokens)))
        return batches

    def state_dict(self) -> StateTree:
        return self._source.state_dict()

    def load_state_dict(self, state: StateTree) -> None:
        self._source.load_state_dict(state)


def resident_bytes() -> int:
    """Return this process's resident memory now."""
    return int(psutil.Process().memory_info().rss)


def measure(model: Path, data: Path, *, warm_up: int, steps: int, bf16: bool) -> Run:
    """Fine-tune for `warm_up` and then `steps` optimizer steps, of which the latter are timed."""
    train = stage.train
    handed_over: list[tuple[float, int, WatchedSource]] = []

    def watched(task: TrainingTask, *arguments: Any, **more: Any) -> TrainResult:
        source = WatchedSource(task.source)
        handed_over.append((time.perf_counter(), resident_bytes(), source))
        return train(replace(task, source=source), *arguments, **more)

    with tempfile.TemporaryDirectory() as out, patch.object(stage, "train", watched):
        body = {"model": str(model), "data": [str(data)], "out": out, "max_steps": warm_up + steps}
        engine = {"precision": "bf16" if bf16 else "fp32", "quiet": True}
        config = sft.Config.model_validate({**body, "engine": engine})
        before, began = resident_bytes(), time.perf_counter()
        sft.run(config, RunContext(command="benchmarks growth", environment=os.environ))
    [(ready, after_setup, source)] = handed_over
    training_s = source.begins[-1] - source.begins[warm_up]
    tokens = sum(source.tokens[warm_up:])
    return Run(ready - began, training_s, tokens, before, after_setup, source.bytes_peak)


def main() -> None:
    """Run once; standard output belongs to the answer."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings = json.loads(sys.argv[1])
    keep_freed_memory()
    found = measure(Path(settings.pop("model")), Path(settings.pop("data")), **settings)
    print(json.dumps(found._asdict()), file=answer, flush=True)


if __name__ == "__main__":
    main()
