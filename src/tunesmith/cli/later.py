"""Verbs of the contract that a later version brings: each says so, and what to use meanwhile; exit code 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.verb import verb
from tunesmith.core.errors import NotYetError

# group ("" for the top) -> verb -> (what it will do, what to use until then)
LATER: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "data": {
        "check": ("Find duplicates, leaks and broken rows.", "`data import` already quarantines bad rows with reasons"),
        "clean": ("Drop or repair what `check` found.", "edit the file and import it again"),
        "augment": ("Make noisy variants of records.", "add the variants to your file"),
        "synthesize": ("Make records from documents and scenarios.", "the built-in desk makes demonstrations"),
        "distill": ("Let a teacher model answer prompts.", "write the teacher's answers to a JSONL file and import it"),
    },
    "label": {
        "serve": ("Rank answers in the browser.", "write ranking records (docs/cli.md) and use `data import`"),
        "add": ("Add answers to be ranked.", "write ranking records (docs/cli.md) and use `data import`"),
        "export": ("Export the labels.", "use `data export`"),
        "import": ("Import labels made elsewhere.", "use `data import`, which reads ranking records and comparisons"),
    },
    "eval": {
        "report": ("Write a report of several runs.", "`quickstart` writes report.html; `runs compare` shows numbers")
    },
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
