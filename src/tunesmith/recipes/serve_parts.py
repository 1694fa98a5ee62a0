"""What a server is given beside its models: their names, pages, and A/B tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tunesmith.context.library import Library
from tunesmith.context.workspace import open_workspace
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.recipes.searching import library_of
from tunesmith.serve.experiment_model import MEASURED, experiment_models
from tunesmith.serve.served_model import ServedModel
from tunesmith.store.database import Database
from tunesmith.store.experiment.experiments import get

SHOWN_PROBLEMS = 10


class Named(NamedTuple):
    """A model as the command line names it, and the name that clients use."""

    name: str
    model: str


def named(models: Sequence[str]) -> list[Named]:
    """Return what is served under which name: NAME=MODEL, else the last part of the path.

    Raises:
        ConfigError: two models would have the same name.
    """
    found = []
    for text in models:
        name, mark, model = text.partition("=")
        found.append(Named(name, model) if mark else Named(Path(text).name or text, text))
    names = [one.name for one in found]
    if len(set(names)) != len(names) or not all(names):
        remedy = "name them: tunesmith serve before=runs/a/model after=runs/b/model"
        raise ConfigError("two models have one name", where=f"serve {' '.join(models)}", remedy=remedy)
    return found


def open_library(folder: str, embedder: str, context: RunContext) -> Library:
    """Return the pages that chats may draw on, read once; say what could not be read.

    Raises:
        ConfigError: there is no such folder, or the embedder cannot be opened.
    """
    workspace = open_workspace(Path(folder))
    passages = len(workspace.passages)
    context.log(f"workspace {folder}: {len(workspace.pages):,} pages, {passages:,} passages")
    for problem in workspace.problems[:SHOWN_PROBLEMS]:
        context.log(f"  not read: {problem.name} {problem.reason}")
    if len(workspace.problems) > SHOWN_PROBLEMS:
        context.log(f"  and {len(workspace.problems) - SHOWN_PROBLEMS:,} more, all listed on the chat page")
    return library_of(workspace, embedder, context)


def open_experiments(
    tests: Sequence[str], database: Database | None, models: Sequence[ServedModel], context: RunContext
) -> list[ServedModel]:
    """Return the A/B tests as models: a name, or NAME=MODEL for the model that answers a test of prompts.

    Raises:
        ConfigError: there is no database, no such test, or an arm's model is not served.
    """
    if tests and database is None:
        raise ConfigError("needs a database", where=f"--ab {tests[0]}", remedy="name it with --db")
    if database is None:
        return []
    wanted = {name: model for name, _, model in (text.partition("=") for text in tests)}
    served: list[ServedModel] = []
    for one in experiment_models(database, wanted, {model.name: model for model in models}):
        with database.read() as connection:
            experiment = get(connection, one.name)
        arms = ", ".join(arm.name for arm in experiment.arms)
        context.log(f"A/B test {one.name}: {arms} ({experiment.status}); talk to it as the model {one.name}")
        for metric in experiment.metrics:
            if metric.name not in MEASURED:
                context.log(f"  {metric.name} is not measured here; log it with `tunesmith ab record {one.name}`")
        served.append(one)
    return served
