"""Turn a plain function into a verb: one place for `--json`, `--quiet`, `--debug` and for grouped options.

A verb is a function `(console, ...) -> Outcome`. A parameter whose type is a dataclass becomes one option per field, so
that verbs can share groups of options and keep short signatures.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.surroundings import Call


@dataclasses.dataclass(frozen=True, slots=True)
class Switches:
    """The options that every verb has."""

    json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; logs stay on stderr.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the last line.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False


def verb(app: typer.Typer, name: str, *, loose: bool = False) -> Callable[[Callable[..., Outcome]], Any]:
    """Register a function as the verb `name`; its docstring is the help. `loose` accepts any further arguments."""
    settings = {"ignore_unknown_options": True, "allow_extra_args": True} if loose else None

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        app.command(name, context_settings=settings)(_command(function))
        return function

    return register


def _command(function: Callable[..., Outcome]) -> Callable[..., int]:
    given = inspect.signature(function, eval_str=True).parameters
    groups: dict[str, type[Any]] = {"switches": Switches}
    flat = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for name, parameter in given.items():
        if parameter.annotation is Console:
            continue
        if dataclasses.is_dataclass(parameter.annotation):
            groups[name] = parameter.annotation  # type: ignore[assignment]
        else:
            flat.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    for group in (*list(groups.values())[1:], Switches):
        flat += _parameters_of(group)

    def command(context: typer.Context, **values: Any) -> int:
        call: Call = context.obj
        made = {
            name: group(**{field.name: values.pop(field.name) for field in dataclasses.fields(group)})
            for name, group in groups.items()
        }
        switches: Switches = made.pop("switches")
        path = context.command_path.partition(" ")[2]
        console = Console(call.surroundings, path, call.words, switches.json, switches.quiet)
        outcome = function(console, **values, **made)
        console.finish(outcome)
        return outcome.exit_code

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    return command


def _parameters_of(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=field.default_factory() if callable(field.default_factory) else field.default,
        )
        for field in dataclasses.fields(group)
    ]
