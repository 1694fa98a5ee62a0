"""The command line as data: every verb with its options, and every command that a document shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import typer

from tunesmith.cli.main import build_app


def verbs() -> dict[str, set[str]]:
    """Return each verb (`data import`) and its options (`--out`)."""
    found: dict[str, set[str]] = {}

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*path, name))
        if not hasattr(command, "commands"):
            found[" ".join(path)] = {option for parameter in command.params for option in parameter.opts}

    walk(typer.main.get_command(build_app()), ())
    return found


def shown_commands(document: Path) -> list[list[str]]:
    """Return the words of every `tunesmith ...` line in the shell blocks of a Markdown file."""
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", document.read_text(encoding="utf-8"), flags=re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("tunesmith ")]


def check_command(words: list[str]) -> str:
    """Return what is wrong with a command, or an empty text."""
    known = verbs()
    path = next((" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known), None)
    if path is None:
        return f"no verb: {' '.join(words)}"
    options = {word.partition("=")[0] for word in words if word.startswith("-")}
    unknown = options - known[path] - {"--help"}
    return f"{path}: no option {sorted(unknown)}" if unknown else ""
