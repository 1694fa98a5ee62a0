"""How long each stage took, how many tokens it handled, and the process's peak memory."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections.abc import Callable, Iterator


class Clock:
    """Stage times in seconds; `tokens` adds to the stage under way."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._started = time.perf_counter()
        self._current = ""
        self.seconds: dict[str, float] = {}
        self._tokens: dict[str, int] = {}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure one stage."""
        self._log(f"== {name}")
        began = time.perf_counter()
        self._current = name
        yield
        self.seconds[name] = time.perf_counter() - began
        self._log(f"== {name}: {self.seconds[name]:.0f} s")

    def tokens(self, n: int) -> None:
        """Count tokens of the stage under way."""
        self._tokens[self._current] = self._tokens.get(self._current, 0) + n

    def times(self) -> dict[str, float]:
        """Return seconds by stage, and `total`."""
        return {**self.seconds, "total": time.perf_counter() - self._started}

    def rates(self) -> dict[str, float]:
        """Return tokens per second of the stages that counted any."""
        return {name: n / self.seconds[name] for name, n in self._tokens.items() if self.seconds.get(name)}


def peak_memory_gib() -> float:
    """Return the process's largest resident size so far, in GiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
