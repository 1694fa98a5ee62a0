"""What a run tells while it trains: metrics.jsonl, TensorBoard, the progress line, STATUS.json, messages."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tunesmith.train.engine_config import EngineConfig
from tunesmith.train.metrics import GRAD_NORM, LEARNING_RATE, LOSS, TOKENS_PER_SECOND, MetricLog
from tunesmith.train.progress import ProgressLine
from tunesmith.train.run_directory import RunDirectory, RunState
from tunesmith.train.step import StepReport


class Reporter:
    """Speaks on rank 0 and is silent elsewhere (`active` False). Open between `open` and `close`."""

    def __init__(self, run: RunDirectory, config: EngineConfig, *, active: bool) -> None:
        self._run, self._config, self._active = run, config, active
        self._log: MetricLog | None = None
        self._progress: ProgressLine | None = None
        self._busy_s, self._tokens = 0.0, 0

    def open(self, total_steps: int, *, step: int, offset: int | None) -> None:
        """Start after `step` steps; what metrics.jsonl holds beyond them and beyond `offset` bytes is cut off."""
        if self._active:
            folder = self._run.tensorboard if self._config.tensorboard else None
            self._log = MetricLog(self._run.metrics, step=step, offset=offset, tensorboard=folder)
            every_s, quiet = self._config.progress_every_s, self._config.quiet
            self._progress = ProgressLine(total_steps, done=step, quiet=quiet, every_s=every_s)

    @property
    def offset(self) -> int:
        """Bytes of metrics.jsonl written; 0 where this rank writes none."""
        return self._log.offset if self._log else 0

    def count(self, tokens: int, seconds: float) -> None:
        """Add to what the next line's tokens/s is computed from; validation and saving do not count."""
        self._tokens += tokens
        self._busy_s += seconds

    def step(self, step: int, report: StepReport, *, learning_rate: float, empty_steps: int) -> None:
        """Log one optimizer step, if it is one of those to log."""
        if step % self._config.log_every:
            return
        values: dict[str, float | None] = {LOSS: report.loss, LEARNING_RATE: learning_rate}
        values |= {f"{GRAD_NORM}/{name}": float(norm) for name, norm in report.norms.items()}
        values |= report.metrics
        if report.empty_kinds:
            values["train/empty_steps"] = empty_steps
        if self._tokens and self._busy_s:
            values[TOKENS_PER_SECOND] = self._tokens / self._busy_s
        self._busy_s, self._tokens = 0.0, 0
        self.write(step, values)
        if self._progress:
            self._progress.update(step, values)

    def write(self, step: int, values: Mapping[str, float | None]) -> None:
        """Log values of any kind under the number of steps done."""
        if self._log:
            self._log.write(step, values)

    def status(self, state: RunState, step: int, *, note: str = "") -> None:
        """Replace STATUS.json."""
        if self._active:
            self._run.path.mkdir(parents=True, exist_ok=True)
            self._run.write_status(state, step, note=note)

    def say(self, message: str) -> None:
        """Print a message on stderr."""
        if self._progress:
            self._progress.say(message)
        elif self._active:
            print(message, file=sys.stderr)

    def sync(self) -> None:
        """Wait until the disk has the metrics."""
        if self._log:
            self._log.sync()

    def close(self) -> None:
        """Close files and leave the last progress line on screen."""
        for sink in (self._log, self._progress):
            if sink is not None:
                sink.close()
        self._log = self._progress = None
