"""Verbs of the contract that a later version brings: each says so, and what to use meanwhile; exit code 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.verb import verb
from tunesmith.core.errors import NotYetError

# group ("" for the top) -> verb -> (what it will do, what to use until then)
LATER: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "": {
        "sweep": ("Try many settings of a stage.", "call `train` in a shell loop with --set"),
        "loop": ("Run the loop's rounds again and again.", "run the stages of `quickstart` one by one with `train`"),
        "serve": ("Serve a model over HTTP.", "use `chat`, or load the model folder with transformers"),
        "ab": ("Compare two served models with people.", "use `eval compare`"),
    },
}


def register(app: typer.Typer, name: str) -> None:
    """Add one of the verbs that belong to no group."""
    _add(app, "", name)


def register_group(app: typer.Typer, group: str) -> None:
    """Add a group's verbs."""
    for name in LATER.get(group, {}):
        _add(app, group, name)


def _add(app: typer.Typer, group: str, name: str) -> None:
    text, meanwhile = LATER[group][name]
    verb(app, name, loose=True)(_refuse(f"{group} {name}".strip(), text, meanwhile))


def _refuse(name: str, text: str, meanwhile: str) -> Callable[[Console], Outcome]:
    def refuse(console: Console) -> Outcome:
        raise NotYetError(f"`tunesmith {name}` is not yet in this version", remedy=f"meanwhile: {meanwhile}")

    refuse.__doc__ = f"(not yet) {text}"
    return refuse
