from __future__ import annotations

from tunesmith.core.run_context import RunContext, RunResult

from .shell import FakeConfig, Shell


def echo(config: FakeConfig, context: RunContext) -> RunResult:
    turns = []
    while line := context.read("you: "):
        context.write(f"{line.upper()}\n")
        turns.append(line)
    return RunResult(out=config.out, summary={"turns": turns})


def test_reads_the_keyboard_and_writes_replies(shell: Shell) -> None:
    recipe = shell.add("chat", echo)
    shell.typed = ["hello", "where is my parcel?"]
    ran = shell("chat", "runs/a")
    assert ran.code == 0 and ran.out.startswith("HELLO\nWHERE IS MY PARCEL?\n")
    assert recipe.calls[0][0].model == "runs/a"


def test_messages_replace_the_keyboard(shell: Shell) -> None:
    shell.add("chat", echo)
    ran = shell("chat", "runs/a", "--message", "one", "--message", "two", "--json")
    assert ran.json["turns"] == ["one", "two"]
