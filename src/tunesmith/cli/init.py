"""`tunesmith init`: a commented configuration file with every key of every stage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.train import STAGES
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError, NotYetError

if TYPE_CHECKING:
    from tunesmith.core.config import Strict

HEAD = """\
# Settings of this project's training stages: tunesmith train STAGE --config {name}
# Every key is shown with its default; take the # away from the ones you change, and from the stage's name.
# A flag wins over TUNESMITH__KEY, which wins over this file. tunesmith train STAGE --print-config shows what holds.
stages:
"""


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(init)


def init(
    console: Console,
    out: Annotated[Path, typer.Option(help="The file to make.")] = Path("tunesmith.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> Outcome:
    """Write a configuration file that shows every key of every stage with its default and meaning."""
    if out.exists() and not force:
        raise ConfigError("exists already", where=str(out), remedy="use --force to replace it")
    parts = [HEAD.format(name=out)]
    written = []
    for stage, text in STAGES.items():
        try:
            recipe = console.surroundings.load_recipe(stage)
        except NotYetError as error:
            console.warn(f"left out: {error}")
            continue
        parts.append(f"  # {text}\n  # {stage}:\n" + _commented(recipe.Config))
        written.append(stage)
    out.write_text("\n".join(parts), encoding="utf-8")
    return Outcome(
        summary={"stages": written},
        artefacts={"configuration": str(out)},
        next_command="tunesmith quickstart --out runs/quickstart",
    )


def _commented(config_cls: type[Strict]) -> str:
    """Return every key of a configuration class as a comment line, with its default and documentation."""
    from tunesmith.core.config import default_text
    from tunesmith.core.config_schema import schema_of

    schema = schema_of(config_cls)
    lines, opened = [], set()
    for path, info in schema.leaves.items():
        *groups, name = path.split(".")
        for level, group in enumerate(groups):
            prefix = ".".join(groups[: level + 1])
            if prefix not in opened:
                opened.add(prefix)
                lines.append(f"  #   {'  ' * level}{group}:")
        meaning = " ".join((info.description or "").split())
        value = "" if info.is_required() else default_text(info)
        comment = ("required. " if info.is_required() else "") + meaning
        lines.append(f"  #   {'  ' * len(groups)}{name}: {value}".rstrip() + (f"  # {comment}" if comment else ""))
    return "\n".join(lines) + "\n"
