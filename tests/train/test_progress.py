from __future__ import annotations

import io

from rich.console import Console

from tunesmith.train.progress import ProgressLine


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(*, terminal: bool, quiet: bool = False) -> str:
    out, clock = io.StringIO(), Clock()
    console = Console(file=out, force_terminal=terminal, width=120, color_system=None)
    line = ProgressLine(100, done=10, quiet=quiet, every_s=5.0, console=console, clock=clock)
    for step in range(11, 21):
        clock.now += 2.0
        values = {"train/loss": 1.0, "train/learning_rate": 1e-4, "train/tokens_per_second": 1234.6}
        line.update(step, values)
    line.say("a [warning]")
    line.close()
    return out.getvalue()


def test_a_plain_line_every_few_seconds() -> None:
    lines = run(terminal=False).splitlines()
    assert lines[0] == "step 13/100  loss 1.0000  lr 1.00e-04  1,235 tokens/s  ETA 0:02:54"
    assert [x.split()[1] for x in lines if x.startswith("step")] == ["13/100", "16/100", "19/100", "20/100"]
    assert "a [warning]" in lines


def test_quiet_silences_progress_but_no_warning() -> None:
    for terminal in (False, True):
        assert run(terminal=terminal, quiet=True).strip() == "a [warning]"


def test_a_live_line_on_a_terminal() -> None:
    text = run(terminal=True)
    assert "step 20/100" in text and "ETA 0:02:40" in text
