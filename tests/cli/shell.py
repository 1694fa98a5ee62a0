"""A command line with its own streams and recipes: everything a test needs to call `main` in-process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.cli.main import main
from tunesmith.cli.surroundings import Recipe, Surroundings
from tunesmith.core.config import Strict
from tunesmith.core.errors import NotYetError
from tunesmith.core.run_context import RunContext, RunResult


class FakeOptimizer(Strict):
    learning_rate: float = 1e-4
    """The peak learning rate."""


class FakeConfig(Strict):
    model: str = "desk"
    """A model folder."""
    against: str | None = None
    data: tuple[Path, ...] = ()
    out: Path = Path("runs/fake")
    seed: int = 0
    full: bool = False
    workspace: str = ""
    page: tuple[str, ...] = ()
    optimizer: FakeOptimizer = FakeOptimizer()


@dataclass
class FakeRecipe:
    """A recipe that remembers what it was called with and does what the test says."""

    work: Callable[[FakeConfig, RunContext], RunResult]
    Config: type[Any] = FakeConfig
    calls: list[tuple[FakeConfig, RunContext]] = field(default_factory=list)

    def run(self, config: FakeConfig, context: RunContext) -> RunResult:
        self.calls.append((config, context))
        return self.work(config, context)


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; fails if there is anything else."""
        body: dict[str, Any] = json.loads(self.out)
        return body


@dataclass
class Shell:
    recipes: dict[str, Recipe] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)

    def add(self, stage: str, work: Callable[[FakeConfig, RunContext], RunResult]) -> FakeRecipe:
        recipe = FakeRecipe(work)
        self.recipes[stage] = recipe
        return recipe

    def __call__(self, *words: str | Path) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        waiting = iter(self.typed)
        environment: Mapping[str, str] = self.environment
        world = Surroundings(out, err, environment, lambda _question: next(waiting, None), self._load)
        code = main([str(word) for word in words], world)
        return Ran(code, out.getvalue(), err.getvalue())

    def _load(self, stage: str) -> Recipe:
        if stage not in self.recipes:
            raise NotYetError(f"this version has no recipe {stage!r}")
        return self.recipes[stage]


def finished(config: FakeConfig, context: RunContext) -> RunResult:
    """A stage that works."""
    context.log("step 1/1")
    rate = {"value": 0.71432, "low": 0.66, "high": 0.76, "n": 300}
    return RunResult(
        out=config.out,
        summary={"loss": 1.23456, "success": rate},
        artefacts={"model": f"{config.out}/model"},
        next_command=f"tunesmith chat {config.out}",
    )
