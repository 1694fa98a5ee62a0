from __future__ import annotations

import errno
import os
import signal

import pytest

from tunesmith.cli.failure import failure_of
from tunesmith.core import errors
from tunesmith.core.run_context import RunContext, RunResult

from .shell import FakeConfig, Shell


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


CASES: list[tuple[BaseException, int, str]] = [
    (errors.TunesmithError("x"), 1, "x"),
    (errors.NumericalError("loss is NaN", where="step 3"), 1, "step 3: loss is NaN"),
    (errors.ConfigError("x", where="a:1", why="y", remedy="do z"), 2, "a:1: x (y). Do z"),
    (errors.NotYetError("x"), 2, "x"),
    (errors.DataError("x"), 3, "x"),
    (errors.PartialError("x"), 4, "x"),
    (errors.CheckpointError("x"), 5, "x"),
    (FileNotFoundError(errno.ENOENT, "No such file", "a.jsonl"), 2, "a.jsonl: No such file"),
    (OSError(errno.ENOSPC, "No space left on device", "c"), 5, "c: No space left on device. Free some space"),
    (PermissionError(errno.EACCES, "Permission denied", "c"), 5, "c: Permission denied"),
    (MemoryError(), 5, "out of memory. Lower micro_batch_size"),
    (OutOfMemoryError("CUDA\ntrace"), 5, "out of memory (CUDA)"),
    (ModuleNotFoundError("x", name="peft"), 5, "package 'peft' is not installed. Pip install peft"),
    (ModuleNotFoundError("no x", name="tunesmith.x"), 1, "unexpected ModuleNotFoundError: no x"),
    (ZeroDivisionError(), 1, "unexpected ZeroDivisionError: no message"),
    (SystemExit(143), 143, "stopped, after a checkpoint"),
    (SystemExit(130), 130, "Run the same command again to go on"),
]


@pytest.mark.parametrize(("error", "code", "message"), CASES, ids=[type(error).__name__ for error, _, _ in CASES])
def test_exit_code_and_words(shell: Shell, error: BaseException, code: int, message: str) -> None:
    def fails(config: FakeConfig, context: RunContext) -> RunResult:
        raise error

    shell.add("sft", fails)
    ran = shell("train", "sft")
    assert ran.code == code and ran.out == ""
    assert ran.err.startswith("tunesmith: ") and message in ran.err and ran.err.count("\n") == 1
    body = shell("train", "sft", "--json").json["error"]
    assert (
        body["code"] == code
        and body["type"] == type(error).__name__.replace("SystemExit", "Stopped")
        and message in body["message"]
    )
    assert failure_of(error).code == code


def test_debug_shows_the_trace(shell: Shell) -> None:
    def fails(config: FakeConfig, context: RunContext) -> RunResult:
        raise errors.DataError("x")

    shell.add("sft", fails)
    assert "Traceback" not in shell("train", "sft").err
    assert "Traceback" in shell("train", "sft", "--debug").err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_outside_training_ends_at_once(shell: Shell, number: int, code: int) -> None:
    def waits(config: FakeConfig, context: RunContext) -> RunResult:
        os.kill(os.getpid(), number)
        raise AssertionError("the signal did not end the stage")

    before = signal.getsignal(number)
    shell.add("sft", waits)
    ran = shell("train", "sft", "--json")
    assert ran.code == code and ran.json["error"]["type"] == "Interrupt"
    assert signal.getsignal(number) is before
