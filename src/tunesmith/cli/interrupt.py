"""Ctrl-C and SIGTERM end a verb at once; while a stage trains, its engine catches them first and saves a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt(BaseException):
    """A signal asked to end. Not a `KeyboardInterrupt`, which the argument parser would turn into its own exit."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupt(number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupt` for both signals inside the block, then put the old handlers back.

    Outside the main thread, where Python allows no handlers, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old: dict[signal.Signals, Any] = {number: signal.signal(number, _interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
