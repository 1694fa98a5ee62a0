"""What a recipe is handed besides its configuration, and what it hands back; all of the outside world it may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def _silent(_: str) -> None:
    """Log nothing."""


def _no_input(_: str) -> str | None:
    """Answer every question with the end of input."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """How a recipe speaks with whoever started it. It reads no environment variable and no standard stream itself.

    `command` is the whole command line, for provenance. `resume` is `auto` (from the newest valid checkpoint, if any),
    `never`, or a checkpoint directory. `log` takes one line for people (standard error). `write` takes text that is the
    command's product (standard output of `chat`). `read` shows a question and returns the line typed, or None at the
    end of input. `environment` holds torchrun's variables where the recipe runs on several ranks.
    """

    command: str = ""
    quiet: bool = False
    json: bool = False
    dry_run: bool = False
    resume: str = "auto"
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Callable[[str], None] = _silent
    write: Callable[[str], None] = _silent
    read: Callable[[str], str | None] = _no_input


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a stage made: `summary` is JSON, `artefacts` maps a name to a path, `next_command` says what to do next.

    `lines` are what a person reads instead of the summary, if there are any.
    """

    out: Path
    summary: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    artefacts: Mapping[str, str] = field(default_factory=dict)
    next_command: str = ""
