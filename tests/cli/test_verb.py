from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.surroundings import Call, Surroundings
from tunesmith.cli.verb import verb


@dataclass(frozen=True)
class Colours:
    red: Annotated[int, typer.Option()] = 1
    blue: Annotated[bool, typer.Option("--blue")] = False


def test_a_dataclass_becomes_one_option_per_field() -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    seen: list[object] = []

    @verb(app, "paint")
    def paint(console: Console, colours: Colours, wall: Annotated[str, typer.Argument()]) -> Outcome:
        seen.extend([colours, wall, console.verb, console.quiet])
        return Outcome(exit_code=4)

    world = Surroundings(io.StringIO(), io.StringIO(), {}, lambda _: None)
    words = ["paint", "north", "--red", "3", "--blue", "-q"]
    call = Call(world, tuple(words))
    assert typer.main.get_command(app).main(words, prog_name="t", standalone_mode=False, obj=call) == 4
    assert seen == [Colours(3, True), "north", "paint", True]
