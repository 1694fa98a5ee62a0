"""Checkpoints that survive a kill at any instant, a full disk and a flipped bit.

Protocol: temporary directory -> one safetensors file per top-level key of the state, state.json -> fsync ->
manifest.json with sizes and SHA-256 -> fsync -> rename -> fsync of the parent -> LATEST -> only then rotate.
A directory named step-NNNNNN is therefore always complete. Nothing is ever unpickled.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from tunesmith.core.config_schema import Strict
from tunesmith.core.errors import CheckpointError, EnvironmentProblem
from tunesmith.train.checkpoint_folder import NAME, LoadedCheckpoint, Point, Write, fault_of, fill, load_checkpoint
from tunesmith.train.durable import replace_file, sync_directory, write_synced
from tunesmith.train.objective import StateTree

LATEST = "LATEST"
MAX_FAILURES = 3


class CheckpointConfig(Strict):
    """When checkpoints are written and which stay."""

    every: int = Field(default=500, ge=0)
    """Optimizer steps between two; 0: only at the end, at a signal, and when validation improves."""
    keep: int = Field(default=2, ge=2)
    """Valid ones kept, besides the best."""
    load_best_at_end: bool = False
    """End with the weights of the best validation instead of the last step."""


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


class CheckpointManager:
    """Writes, finds and rotates the checkpoints of one run; used by rank 0 only.

    `on_point(name)` is called at every place where a crash could matter; `write(path, data)` writes and syncs one
    file; both exist so that a test can crash or fill the disk anywhere. `say` receives every message.
    """

    def __init__(
        self,
        directory: Path,
        *,
        keep_last: int = 2,
        on_point: Point = lambda name: None,
        write: Write = write_synced,
        free_bytes: Callable[[Path], int] = _free_bytes,
        say: Callable[[str], None] = _tell,
    ) -> None:
        self.directory = directory
        self._keep_last = max(2, keep_last)
        self._point, self._write, self._free_bytes, self._say = on_point, write, free_bytes, say
        self._failures = 0

    def path_of(self, step: int) -> Path:
        """Return where the checkpoint of a step lies."""
        return self.directory / f"step-{step:06d}"

    def steps(self) -> list[int]:
        """Return the steps that have a directory, valid or not, newest first."""
        names = [p.name for p in self.directory.iterdir() if p.is_dir()] if self.directory.is_dir() else []
        return sorted((int(match[1]) for match in map(NAME.fullmatch, names) if match), reverse=True)

    def preflight(self, size: int, *, best: bool = False) -> None:
        """Raise EnvironmentProblem unless the disk has room for what will lie there at once.

        That is `keep_last` checkpoints, the best one if `best`, and the one being written, of `size` bytes each, with
        a tenth to spare; what this run's checkpoints occupy already counts as room.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        copies = self._keep_last + best + 1
        occupied = sum(p.stat().st_size for p in self.directory.glob("step-*/*") if p.is_file())
        needed = max(int(1.1 * size * copies) - occupied, int(1.1 * size))
        free = self._free_bytes(self.directory)
        if free < needed:
            raise EnvironmentProblem(
                f"no room for checkpoints: {needed} bytes needed, {free} free",
                where=str(self.directory),
                why=f"one takes about {size} bytes, and {copies} lie there while one is written",
                remedy="free some space or choose a folder on another disk",
            )

    def save(self, step: int, tree: StateTree, *, best: int | None = None) -> Path | None:
        """Write a checkpoint and return its path; `best` is the step that rotation must spare.

        A valid checkpoint of the same step is left as it is. When the disk fails, the older ones stay, the
        temporary directory goes, a warning is said and None returned: the caller goes on and tries again later.

        Raises:
            EnvironmentProblem: the third failure in a row.
        """
        final = self.path_of(step)
        if final.is_dir() and fault_of(final) is None:
            return final
        temporary = final.with_name(f"{final.name}.tmp-{os.getpid()}")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            self._point("folder made")
            fill(temporary, step, tree, write=self._write, point=self._point)
            self._publish(temporary, final)
            self._rotate(step, best)
        except OSError as error:
            self._failed(step, temporary, error)
            return final if final.is_dir() else None
        self._failures = 0
        return final

    def _publish(self, temporary: Path, final: Path) -> None:
        if final.exists():  # not valid, or save() would have kept it
            self._discard(final)
        os.rename(temporary, final)
        self._point("renamed")
        sync_directory(self.directory)
        self._point("parent synced")
        replace_file(self.directory / LATEST, f"{final.name}\n".encode(), write=self._write)
        self._point(f"after {LATEST}")

    def _rotate(self, newest: int, best: int | None) -> None:
        kept = 0
        for step in self.steps():
            path = self.path_of(step)
            if step == best:
                continue
            if kept < self._keep_last and (step == newest or fault_of(path) is None):
                kept += 1
                continue
            # An invalid one goes only when enough valid ones are there, hence never before the newest.
            if kept >= self._keep_last:
                self._point(f"before removing {path.name}")
                self._discard(path)
        self._point("rotated")

    def _discard(self, path: Path) -> None:
        # Renamed first, so that a half-removed directory cannot be taken for a damaged checkpoint.
        doomed = path.with_name(f"{path.name}.tmp-removed-{time.time_ns()}")
        os.rename(path, doomed)
        self._point("renamed for removal")
        shutil.rmtree(doomed)

    def _failed(self, step: int, temporary: Path, error: OSError) -> None:
        shutil.rmtree(temporary, ignore_errors=True)
        self._failures += 1
        free = self._free_bytes(self.directory) if self.directory.is_dir() else 0
        place = error.filename or temporary
        text = f"checkpoint of step {step} was not completed: {error.strerror or error} ({place}, {free} bytes free)"
        if self._failures >= MAX_FAILURES:
            remedy = "free some space, then resume: the older checkpoints are intact"
            raise EnvironmentProblem(
                text, where=str(self.directory), why=f"{self._failures} failures in a row", remedy=remedy
            ) from error
        self._say(f"warning: {text}; older checkpoints are kept, the next interval tries again")

    def remove_temporary(self) -> None:
        """Remove what killed processes left half-written."""
        if self.directory.is_dir():
            for path in self.directory.glob("*.tmp-*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def set_aside_after(self, step: int) -> None:
        """Rename checkpoints newer than `step`: the run goes on from there on another way."""
        for newer in self.steps():
            if newer > step:
                path = self.path_of(newer)
                aside = path.with_name(f"{path.name}.abandoned-{time.time_ns()}")
                os.rename(path, aside)
                self._say(f"{path.name} is newer than the checkpoint resumed from; it is now {aside.name}")

    def latest_valid(self) -> LoadedCheckpoint | None:
        """Return the newest checkpoint that verifies, saying why newer ones do not; None where none was ever saved.

        Raises:
            CheckpointError: some exist, but none is valid. Starting from zero must be asked for.
        """
        reasons: list[str] = []
        latest = self._latest()
        if latest and not (self.directory / latest).is_dir():
            reasons.append(f"{latest}, which {LATEST} names, is missing")
        for step in self.steps():
            path = self.path_of(step)
            try:
                found = load_checkpoint(path)
            except CheckpointError as error:
                reasons.append(f"checkpoint {path.name} is not valid: {error.what}")
                continue
            for reason in reasons:
                self._say(f"warning: {reason}")
            if reasons:
                self._say(f"warning: falling back to checkpoint {path.name}")
            return found
        if not reasons:
            return None
        remedy = "restore the folder from a copy, or start over in a new one"
        raise CheckpointError(
            "no checkpoint is valid", where=str(self.directory), why="; ".join(reasons), remedy=remedy
        )

    def _latest(self) -> str:
        try:
            return (self.directory / LATEST).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""
