"""How the cores of this machine are shared out among workers."""

from __future__ import annotations

import os

from tunesmith.sweep.plan import SweepConfig


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_share(settings: SweepConfig) -> int:
    """Return the threads of one trial: what was asked for, else an even share of the cores, at least one."""
    return settings.threads or max(1, cores() // settings.workers)
