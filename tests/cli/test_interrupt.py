from __future__ import annotations

import os
import signal
import threading

import pytest

from tunesmith.cli.interrupt import SIGNALS, Interrupt, interruptible


def test_signals_raise_inside_and_old_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(Interrupt, match="interrupted by SIGTERM") as caught, interruptible():
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([], 1)
    assert caught.value.exit_code == 143
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_does_nothing_in_another_thread() -> None:
    done: list[bool] = []

    def work() -> None:
        with interruptible():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
