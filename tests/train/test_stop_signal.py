from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

from tunesmith.train.stop_signal import StopSignal

PROGRAM = textwrap.dedent(
    """
    import os, signal, sys, time
    from tunesmith.train.stop_signal import StopSignal

    with StopSignal() as stop:
        print("ready", flush=True)
        while not stop.received:
            time.sleep(0.01)
        print("first", stop.received, flush=True)
        try:
            time.sleep(60)  # a step that hangs, with a clean-up that would hang too
        finally:
            time.sleep(60)
    """
)


def test_the_first_signal_asks_and_the_second_sigint_exits_at_once() -> None:
    """R3: second SIGINT < 2 s."""
    child = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    assert child.stdout.readline() == f"first {int(signal.SIGINT)}\n"
    started = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.wait(30) == 130 and time.monotonic() - started < 2
    child.stdout.close()


def test_handlers_are_put_back_and_the_first_signal_counts() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignal() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.received == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_it_does_nothing() -> None:
    seen: list[int] = []

    def work() -> None:
        with StopSignal() as stop:
            seen.append(stop.received)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [0]
