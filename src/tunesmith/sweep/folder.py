"""The sweep's folder: what was asked (sweep.yaml), one run per trial (trials/NAME/), how each ended (trials/NAME.json).

DIR/{sweep.yaml, study.journal, trials/{0000/, 0000.yaml, 0000.log, 0000.json}, best.yaml, results.json, report.html}
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from tunesmith.core.config import Strict, to_yaml
from tunesmith.core.errors import ConfigError
from tunesmith.core.yaml_strict import read_yaml, write_yaml
from tunesmith.sweep.plan import Plan, flat_values
from tunesmith.sweep.results import TrialResult
from tunesmith.train.durable import json_bytes, replace_file

# What may change between two starts of the same sweep.
FREE = ("trials", "workers", "threads", "retries", "engine", "confirm_seeds")
ORPHAN_S = 60.0


class SweepFolder:
    """Paths and small files of one sweep. `lock` keeps a second sweep out until the end of this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials = path / "trials"
        self.results = path / "results.json"
        self.report = path / "report.html"
        self.best = path / "best.yaml"
        self._asked = path / "sweep.yaml"
        self._lock = FileLock(path / ".lock")

    def open(self, plan: Plan) -> None:
        """Create the folder, or check that it holds the same sweep.

        Raises:
            ConfigError: it holds another sweep or something else, or another process is running it.
        """
        if self.path.exists() and not self._asked.exists() and any(self.path.iterdir()):
            raise ConfigError("is not empty and holds no sweep", where=str(self.path), remedy="choose another --out")
        self.trials.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigError("another process is running this sweep", where=str(self.path)) from error
        asked = _asked(plan)
        if self._asked.exists():
            self._check_same(asked)
        replace_file(self._asked, write_yaml(asked).encode())

    def _check_same(self, asked: Mapping[str, Any]) -> None:
        found = read_yaml(self._asked.read_text(encoding="utf-8"), where=str(self._asked)).values
        saved, now = (
            {key: value for key, value in flat_values(values) if key.removeprefix("settings.") not in FREE}
            for values in (found, asked)
        )
        differing = sorted(key for key in saved.keys() | now.keys() if saved.get(key, ...) != now.get(key, ...))
        if differing:
            raise ConfigError(
                "holds a sweep with other settings",
                where=str(self.path),
                why=", ".join(differing),
                remedy="give the same ones, or choose another --out",
            )

    def close(self) -> None:
        """Let another process run this sweep."""
        self._lock.release()

    def run(self, name: str) -> Path:
        """Return the run directory of a trial."""
        return self.trials / name

    def log(self, name: str) -> Path:
        """Return the file with what a trial's process wrote."""
        return self.trials / f"{name}.log"

    def config(self, name: str, config: Strict) -> Path:
        """Write a trial's configuration and return the file."""
        path = self.trials / f"{name}.yaml"
        replace_file(path, to_yaml(config.model_copy(update={"out": ""})).encode())
        return path

    def ending(self, name: str) -> TrialResult | None:
        """Return how a trial ended; None while it has not."""
        path = self.trials / f"{name}.json"
        if not path.exists():
            return None
        body = json.loads(path.read_bytes())
        return TrialResult(**{**body, "points": [tuple(point) for point in body["points"]]})

    def note_ending(self, result: TrialResult) -> None:
        """Write how a trial ended, once it has: before the study hears of it, so that no result is lost between."""
        replace_file(self.trials / f"{result.name}.json", json_bytes(asdict(result)))


def _asked(plan: Plan) -> dict[str, Any]:
    settings = plan.settings.model_dump(mode="json")
    base = plan.base.model_copy(update={"out": ""}).model_dump(mode="json")
    found: dict[str, Any] = json.loads(json_bytes({"stage": plan.stage, "settings": settings, "base": base}))
    return found


def wait_for_orphan(run: Path, *, seconds: float = ORPHAN_S) -> None:
    """Wait until nobody writes to a run: a trial whose sweep was killed may still be saving its checkpoint.

    Raises:
        ConfigError: another process has the run and does not let go of it.
    """
    lock = run / ".lock"
    if not lock.exists():
        return
    status = run / "STATUS.json"
    pid = json.loads(status.read_bytes()).get("pid") if status.exists() else None
    until = time.monotonic() + seconds
    while True:
        try:
            with FileLock(lock).acquire(timeout=0.2):
                return
        except Timeout as error:
            _end(pid, run)
            if time.monotonic() > until:
                raise ConfigError("is still being written by another process", where=str(run)) from error


def _end(pid: int | None, run: Path) -> None:
    """Ask a process to stop, if it is the trial that writes to this run."""
    try:
        process = psutil.Process(pid) if pid else None
        if process is not None and str(run) in process.cmdline():
            process.terminate()
    except psutil.NoSuchProcess:
        return
