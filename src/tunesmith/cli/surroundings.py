"""The outside world as the command line uses it; tests hand in their own."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TextIO, cast

from tunesmith.core.errors import NotYetError
from tunesmith.core.run_context import RunContext, RunResult


class Recipe(Protocol):
    """What the command line knows of a stage: a module of `tunesmith.recipes`."""

    Config: type[Any]

    def run(self, config: Any, context: RunContext) -> RunResult:
        """Do the stage's work."""
        ...


def load_recipe(stage: str) -> Recipe:
    """Import `tunesmith.recipes.<stage>`.

    Raises:
        NotYetError: there is no such module.
    """
    name = f"tunesmith.recipes.{stage}"
    try:
        return cast(Recipe, importlib.import_module(name))
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise NotYetError(f"this version has no recipe {stage!r}") from error


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Standard streams, environment and recipes; `read_line` returns None at the end of input."""

    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]
    read_line: Callable[[str], str | None]
    load_recipe: Callable[[str], Recipe] = load_recipe


@dataclass(frozen=True, slots=True)
class Call:
    """What `main` hands to the verb, through the parser's context: the outside world and the words typed."""

    surroundings: Surroundings
    words: tuple[str, ...]


def read_line(question: str) -> str | None:
    """Show a question on standard error and return the line typed, or None at the end of input."""
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


def real_surroundings() -> Surroundings:
    """Return the process's own streams and environment: the only place that reads `os.environ`."""
    return Surroundings(sys.stdout, sys.stderr, os.environ, read_line)
