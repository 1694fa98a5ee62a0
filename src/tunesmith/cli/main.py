"""The entry point: parse, call one verb, turn whatever happened into an exit code.

Nothing heavier than typer is imported here or at the top of any module of this floor; a verb imports what it needs when
it runs, and a group is only built when it is named, so that `tunesmith --help` answers at once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Sequence
from typing import Annotated, Any, NamedTuple

import typer

from tunesmith import __version__
from tunesmith.cli.failure import failure_of
from tunesmith.cli.interrupt import Interrupt, interruptible
from tunesmith.cli.surroundings import Call, Surroundings, real_surroundings


class Part(NamedTuple):
    """A verb or a noun of the command line: the module of this floor that has it, and its line in the help."""

    module: str
    help: str


VERBS = {
    "quickstart": Part("quickstart", "The whole loop in one command, measured."),
    "init": Part("init", "Write a commented configuration file."),
    "doctor": Part("doctor", "Check the machine; say what it suits."),
    "chat": Part("chat", "Talk with a model."),
    "show": Part("show", "From a served reply back to the model, run, data and labels behind it."),
    "serve": Part("serve", "Serve models over HTTP, as OpenAI's API."),
    "export": Part("export", "A run's model for other tools: folder with a model card, adapter, GGUF."),
    "loop": Part("loop", "The loop's rounds again and again, each promoted only if better."),
}
GROUPS = {
    "data": Part("data", "Import, check, clean, make, split and export data."),
    "label": Part("label", "The labelling desk: people write, rank and compare."),
    "train": Part("train", "One training stage."),
    "sweep": Part("sweep", "Search over a stage's settings."),
    "eval": Part("evaluate", "Measure a model, or two against each other."),
    "ab": Part("ab", "A/B tests of prompts and models, live or from a file."),
    "runs": Part("runs", "List, show and compare finished and running runs."),
}


def build_app(named: Collection[str] | None = None) -> typer.Typer:
    """Return the command line. With `named`, what it does not name is only a line in the help."""
    app = _app("InstructGPT's whole loop on your own data.")
    app.callback()(_root)
    for name, part in VERBS.items():
        if named is None or name in named:
            _module(part.module).register(app, name)
        else:
            app.command(name, help=part.help)(_nothing)
    for name, part in GROUPS.items():
        group = _app(part.help)
        if named is None or name in named:
            _module(part.module).register(group)
        app.add_typer(group, name=name)
    return app


def _module(name: str) -> Any:
    return importlib.import_module(f"tunesmith.cli.{name}")


def _nothing() -> None:
    """Stand in for a verb that was not named and so is never called."""


def _app(text: str) -> typer.Typer:
    return typer.Typer(
        help=text,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _print_version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit(0)


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """InstructGPT's whole loop on your own data."""


def main(arguments: Sequence[str] | None = None, surroundings: Surroundings | None = None) -> int:
    """Run one command and return its exit code; never raises."""
    words = with_lone_values(list(sys.argv[1:] if arguments is None else arguments))
    world = surroundings or real_surroundings()
    try:
        with interruptible():
            code = typer.main.get_command(build_app(words)).main(
                args=words, prog_name="tunesmith", standalone_mode=False, obj=Call(world, tuple(words))
            )
        return code if isinstance(code, int) else 0
    except BrokenPipeError:  # the reader of a pipe has seen enough
        return 0
    except SystemExit as error:
        if error.code in (130, 143):
            return _report(error, words, world)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except (Exception, Interrupt) as error:
        return _report(error, words, world)


def _report(error: BaseException, words: Sequence[str], world: Surroundings) -> int:
    options = words[: words.index("--")] if "--" in words else words
    failure = failure_of(error)
    if "--debug" in options:
        import traceback

        traceback.print_exception(error, file=world.stderr)
    if "--json" in options:
        print(failure.to_json(), file=world.stdout, flush=True)
    elif failure.help:
        print(failure.help, file=world.stderr)
    print(f"tunesmith: {failure.message}", file=world.stderr, flush=True)
    return failure.code


_ALONE = {"--resume": "auto", "--from-store": "tunesmith.db"}


def with_lone_values(words: list[str]) -> list[str]:
    """Return the arguments with options that stand alone given the value that they then mean (`--resume auto`)."""
    done: list[str] = []
    for index, word in enumerate(words):
        done.append(word)
        if word in _ALONE and (index + 1 == len(words) or words[index + 1].startswith("-")):
            done.append(_ALONE[word])
    return done


if __name__ == "__main__":
    sys.exit(main())
