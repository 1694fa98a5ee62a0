"""One line on stderr that says how far the run is: step, loss, learning rate, tokens/s, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from tunesmith.train.metrics import LEARNING_RATE, LOSS, TOKENS_PER_SECOND


class ProgressLine:
    """A live line on a terminal; elsewhere a plain line every `every_s` seconds and at the end; none when quiet."""

    def __init__(
        self,
        total_steps: int,
        *,
        done: int = 0,
        quiet: bool = False,
        every_s: float = 10.0,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._first, self._every_s, self._clock = total_steps, done, every_s, clock
        self._quiet = quiet
        self._console = console or Console(stderr=True)
        self._started = self._printed = clock()
        self._text = ""
        self._live: Progress | None = None
        if self._console.is_terminal and not quiet:
            columns = (BarColumn(bar_width=20), TextColumn("{task.description}"))
            self._live = Progress(*columns, console=self._console, auto_refresh=False)
            self._task = self._live.add_task("starting", total=total_steps, completed=done)
            self._live.start()

    def update(self, step: int, values: Mapping[str, float | None]) -> None:
        """Show the newest numbers of `step`, the number of optimizer steps done."""
        now = self._clock()
        self._text = self._line(step, values, now)
        if self._live is not None:
            self._live.update(self._task, completed=step, description=self._text, refresh=True)
        elif not self._quiet and now - self._printed >= self._every_s:
            self._print(now)

    def say(self, message: str) -> None:
        """Print a message without tearing the line."""
        self._console.print(message, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the last line on screen."""
        if self._live is not None:
            self._live.stop()
        elif self._text and not self._quiet:
            self._print(self._clock())

    def _print(self, now: float) -> None:
        self.say(self._text)
        self._text, self._printed = "", now

    def _line(self, step: int, values: Mapping[str, float | None], now: float) -> str:
        parts = [f"step {step}/{self._total}"]
        formats = ((LOSS, "loss {:.4f}"), (LEARNING_RATE, "lr {:.2e}"), (TOKENS_PER_SECOND, "{:,.0f} tokens/s"))
        for name, form in formats:
            value = values.get(name)
            if value is not None:
                parts.append(form.format(value))
        done = step - self._first
        if done > 0:
            left = max(0.0, (now - self._started) / done * (self._total - step))
            parts.append(f"ETA {int(left // 3600)}:{int(left // 60 % 60):02}:{int(left % 60):02}")
        return "  ".join(parts)
