"""Cut a stream of text where a stop string begins, and never give out the beginning of one."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """`hit`: a stop string was seen, and what follows it is dropped. The result does not depend on the pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.hit = False

    def add(self, text: str) -> str:
        """Return the text that can be given out for sure."""
        if self.hit or not self._stops:
            return "" if self.hit else text
        self._held += text
        found = [(at, -len(stop)) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found and not self._could_begin_earlier(min(found)[0]):
            self.hit = True
            return self._take(min(found)[0], rest="")
        return self._take(self._safe_length())

    def flush(self) -> str:
        """Return what was held back: nothing more comes."""
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.hit = True
            return self._take(min(found), rest="")
        return self._take(len(self._held))

    def _could_begin_earlier(self, at: int) -> bool:
        """Return whether a longer stop string that began before `at` may still be completed."""
        return self._safe_length() < at

    def _safe_length(self) -> int:
        """Return how much of the held text can be part of no stop string."""
        size = len(self._held)
        longest = max(map(len, self._stops))
        for start in range(max(0, size - longest + 1), size):
            tail = self._held[start:]
            if any(stop.startswith(tail) for stop in self._stops):
                return start
        return size

    def _take(self, size: int, rest: str | None = None) -> str:
        out, self._held = self._held[:size], self._held[size:] if rest is None else rest
        return out
