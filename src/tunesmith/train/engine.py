"""The one training loop: it knows modules, losses as sums, and steps; never what they mean.

Per optimizer step: micro-batches from the source -> summed, checked gradients (`step.py`) -> clip -> AdamW at the
schedule's rate -> moving average -> log -> validate -> early stopping -> checkpoint. A run killed at any instant and
resumed gives the same weights, bit for bit on CPU, as one that was not.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.train import rng
from tunesmith.train.checkpoint import CheckpointManager
from tunesmith.train.checkpoint_folder import load_checkpoint
from tunesmith.train.distributed import World
from tunesmith.train.engine_config import EngineConfig
from tunesmith.train.objective import MicroBatch, StateTree
from tunesmith.train.optimizer import clip_gradients, set_learning_rate
from tunesmith.train.precision import resolved
from tunesmith.train.reporter import Reporter
from tunesmith.train.run_directory import RunDirectory
from tunesmith.train.schedule import lr_factor
from tunesmith.train.step import GlobalStep
from tunesmith.train.stop_signal import StopSignal
from tunesmith.train.task import TrainingTask
from tunesmith.train.training_state import TrainingState

Resume = Literal["auto", "never"] | Path


class TrainResult(NamedTuple):
    """`steps` done in all; `empty_steps`: those in which some kind had weight 0; `validation`: the last one."""

    steps: int
    tokens: int
    empty_steps: int
    stopped_early: bool
    best_step: int | None
    validation: dict[str, float]
    checkpoint: Path | None


def train(
    task: TrainingTask, config: EngineConfig, run: RunDirectory, *, resume: Resume = "auto", world: World | None = None
) -> TrainResult:
    """Train the task's modules in place, to the end of the source, an early stop or a signal.

    Raises: what `Engine.train` raises.
    """
    return Engine(task, config, run, world=world).train(resume)


class Engine:
    """One run in progress. `checkpoints` replaces the manager of the run's folder."""

    def __init__(
        self,
        task: TrainingTask,
        config: EngineConfig,
        run: RunDirectory,
        *,
        world: World | None = None,
        checkpoints: CheckpointManager | None = None,
    ) -> None:
        self.task, self.config, self.world = task, config, world or World()
        self.state = TrainingState(task, config)
        self.reporter = Reporter(run, config, active=self.world.is_lead)
        self.checkpoints = checkpoints or CheckpointManager(
            run.checkpoints, keep_last=config.checkpoint.keep, say=self.reporter.say
        )
        precision = resolved(config.precision, self.state.trainable.device)
        if config.precision == "auto":
            self.reporter.say(f"precision: {precision}")
        self._global_step = GlobalStep(task, self.state.trainable, self.world, precision)
        self._saved: Path | None = None
        self._saved_step = -1

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self.state.progress.step

    def train(self, resume: Resume = "auto") -> TrainResult:
        """Run to the end; STATUS.json says at every moment how it stands.

        Raises:
            SystemExit: 130 or 143 after SIGINT or SIGTERM, once the step is finished and its checkpoint written.
            ConfigError: `resume` is "never" but the run has checkpoints, or a path that is no folder.
            DataError: the source has no steps, or every label of every step is masked.
            NumericalError: NaN or infinity in initial weights, loss, metric or gradient; found before the weights move.
            CheckpointError: checkpoints exist but none is valid, or one does not fit this task.
            EnvironmentProblem: no room for checkpoints, at the start or three times in a row.
        """
        with StopSignal() as signal:
            try:
                self._start(resume)
                self._loop(signal)
                return self._finish()
            except BaseException as error:
                interrupted = isinstance(error, SystemExit | KeyboardInterrupt)
                with contextlib.suppress(OSError):  # the first error is the one to tell
                    self.reporter.status("interrupted" if interrupted else "failed", self.step, note=str(error))
                raise
            finally:
                self.reporter.close()

    def _start(self, resume: Resume) -> None:
        self.state.initialise(self.config.seed, self.world)
        path = self.world.lead(lambda: self._prepare_disk(resume))
        if path:
            found = load_checkpoint(Path(path))
            for note in self.state.load_state_dict(found.tree, self.world):
                self.reporter.say(f"warning: {note}")
            self._saved, self._saved_step = found.path, found.step
        # Another run's checkpoint knows nothing of the length of this run's metrics.
        own = self._saved is not None and self._saved.parent.resolve() == self.checkpoints.directory.resolve()
        offset = self.state.progress.metrics_offset if own else None
        self.reporter.open(self.task.source.total_steps, step=self.step, offset=offset)
        self.reporter.status("running", self.step, note=f"resumed from {path}" if path else "")

    def _prepare_disk(self, resume: Resume) -> str:
        """Return the path of the checkpoint to resume from, "" for none."""
        self.checkpoints.remove_temporary()
        self.checkpoints.preflight(self.state.size(), best=self.config.early_stopping is not None)
        if isinstance(resume, Path):
            if not resume.is_dir():
                raise ConfigError("is not a checkpoint folder", where=str(resume))
            self.checkpoints.set_aside_after(load_checkpoint(resume).step)
            return str(resume)
        if resume == "never" and self.checkpoints.steps():
            where, remedy = str(self.checkpoints.directory), "resume, or choose another folder"
            raise ConfigError("has checkpoints already", where=where, remedy=remedy)
        found = None if resume == "never" else self.checkpoints.latest_valid()
        return "" if found is None else str(found.path)

    def _loop(self, signal: StopSignal) -> None:
        stopping = self.state.early_stopping
        while not (stopping and stopping.should_stop):
            started = time.perf_counter()
            batches = self._next_batches()
            if batches is None:
                return
            self._train_step(batches, started)
            last = self.step == self.task.source.total_steps and self.config.validate_every > 0
            improved = (last or self._due(self.config.validate_every)) and self._validate()
            if improved or self._due(self.config.checkpoint.every):
                self._checkpoint()
            number = max(self.world.gather(signal.received))
            if number:
                self._checkpoint()
                raise SystemExit(128 + number)

    def _due(self, every: int) -> bool:
        return every > 0 and self.step % every == 0

    def _next_batches(self) -> Sequence[MicroBatch] | None:
        """This rank's micro-batches; a rank whose source ends before the others' goes on with none."""
        # What a source samples and scores is in the precision of the forward passes that it is compared with.
        with self._global_step.autocast():
            batches = self.task.source.next_step()
        return (batches or []) if any(self.world.gather(batches is not None)) else None

    def _train_step(self, batches: Sequence[MicroBatch], started: float) -> None:
        progress, settings = self.state.progress, self.config.optimizer
        report = self._global_step.backpropagate(self.step + 1, batches)
        rate = settings.learning_rate * lr_factor(self.config.schedule, self.step, self.task.source.total_steps)
        if report.norms:
            for name, norm in report.norms.items():
                if settings.max_grad_norm is not None:
                    clip_gradients(self.state.trainable.by_module[name].values(), settings.max_grad_norm, norm)
            set_learning_rate(self.state.optimizer, rate)
            with self._global_step.autocast():  # Muon's products
                self.state.optimizer.step()
            self.state.optimizer.zero_grad(set_to_none=True)
            if self.state.ema:
                self.state.ema.update()
        progress.step += 1
        progress.tokens += report.tokens
        progress.weighted_steps += report.loss is not None
        progress.empty_steps += report.loss is None or bool(report.empty_kinds)
        self.reporter.count(report.tokens, time.perf_counter() - started)
        self.reporter.step(self.step, report, learning_rate=rate, empty_steps=progress.empty_steps)

    def _validate(self) -> bool:
        """Return True if this validation is the best so far."""
        progress, stopping = self.state.progress, self.state.early_stopping
        if self.task.validate is None or progress.validated_step == self.step:
            return False
        before = rng.capture()
        with self.averaged(), self._evaluating(), torch.no_grad():
            found = {name: float(value) for name, value in self.task.validate().items()}
        rng.restore(before)
        progress.validation, progress.validated_step = self.world.gather(found)[0], self.step
        self.reporter.write(self.step, progress.validation)
        return stopping is not None and stopping.update(self.step, progress.validation)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within the context the modules hold the moving average, if there is one."""
        with self.state.ema.swapped_in() if self.state.ema else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        parts = [part for module in self.task.modules.values() for part in module.modules()]
        modes = [part.training for part in parts]
        for module in self.task.modules.values():
            module.eval()
        try:
            yield
        finally:
            for part, mode in zip(parts, modes, strict=True):
                part.training = mode

    def _checkpoint(self) -> None:
        if self._saved_step == self.step:
            return
        self.state.progress.metrics_offset = self.reporter.offset
        tree = self.state.state_dict(self.world)
        saved = self.world.lead(lambda: self._write_checkpoint(tree))
        if saved:
            self._saved, self._saved_step = Path(saved), self.step

    def _write_checkpoint(self, tree: StateTree) -> str:
        self.reporter.sync()
        saved = self.checkpoints.save(self.step, tree, best=self.state.best_step)
        note = f"checkpoint {saved}" if saved else f"a checkpoint failed; the last good one is {self._saved}"
        self.reporter.status("running", self.step, note=note)
        return str(saved or "")

    def _finish(self) -> TrainResult:
        progress = self.state.progress
        if progress.step == 0:
            raise DataError("there is nothing to train on", where="data", why="the source has no steps")
        if progress.weighted_steps == 0:
            remedy = "check that the records have answers and that max_length leaves room for them"
            why = f"none of {progress.step} steps has a target"
            raise DataError("all labels are masked", where="data", why=why, remedy=remedy)
        if self.config.validate_every:
            self._validate()
        self._checkpoint()
        best = self.state.best_step
        if self.config.checkpoint.load_best_at_end and best is not None:
            self.state.load_weights(load_checkpoint(self.checkpoints.path_of(best)).tree)
        if self.state.ema:
            self.state.ema.copy_to_weights()
        self.reporter.status("finished", self.step, note=f"checkpoint {self._saved}")
        stopped = self.state.early_stopping is not None and self.state.early_stopping.should_stop
        counts = (progress.step, progress.tokens, progress.empty_steps)
        return TrainResult(*counts, stopped, best, progress.validation, self._saved)
