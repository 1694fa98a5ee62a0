"""Where chunks are worked on: in this process, in several on this machine, or on a Ray cluster. The order is kept."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any, Literal, TypeVar

from tunesmith.core.errors import EnvironmentProblem
from tunesmith.core.ray_cluster import join_ray

EngineName = Literal["local", "ray"]
# Chunks on their way for each worker: enough that none waits, few enough that memory stays flat.
AHEAD = 2
Item = TypeVar("Item")
Answer = TypeVar("Answer")


def run_in_order(
    work: Callable[[Item], Answer], items: Iterable[Item], *, engine: EngineName, workers: int
) -> Iterator[Answer]:
    """Yield `work(item)` for each item, in the order of the items, whoever is done first.

    `work` and the items must pickle; `work` is handed to each worker once, so it may hold much. One item, or one
    worker, is worked on in this process.

    Raises:
        EnvironmentProblem: a worker died, or Ray is not installed.
    """
    if engine == "ray":
        return _on_ray(work, items, workers)
    waiting = iter(items)
    first = list(islice(waiting, 2))
    if workers == 1 or len(first) < 2:
        return map(work, chain(first, waiting))
    return _in_processes(work, chain(first, waiting), workers)


def _in_processes(work: Callable[[Item], Answer], items: Iterable[Item], workers: int) -> Iterator[Answer]:
    # spawn: a forked copy of a process with threads (tokenizers, torch) may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(work,)) as pool:
        try:
            yield from _window(items, workers, lambda item: pool.submit(_do, item), lambda future: future.result())
        except BrokenProcessPool as error:
            raise EnvironmentProblem(
                "a worker process died", why="most often for want of memory", remedy="use fewer --workers"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _on_ray(work: Callable[[Item], Answer], items: Iterable[Item], workers: int) -> Iterator[Answer]:
    ray = join_ray()
    held, remote = ray.put(work), ray.remote(_call)
    ahead = max(workers, int(ray.cluster_resources().get("CPU", 1)))
    yield from _window(items, ahead, lambda item: remote.remote(held, item), ray.get)


def _window(
    items: Iterable[Item], workers: int, submit: Callable[[Item], Any], result: Callable[[Any], Answer]
) -> Iterator[Answer]:
    """Keep a bounded number of items under way and yield the answers in order."""
    under_way: deque[Any] = deque()
    for item in items:
        under_way.append(submit(item))
        if len(under_way) > AHEAD * workers:
            yield result(under_way.popleft())
    while under_way:
        yield result(under_way.popleft())


def _call(work: Callable[[Item], Answer], item: Item) -> Answer:
    return work(item)


_work: list[Callable[[Any], Any]] = []  # what this worker process does


def _begin(work: Callable[[Any], Any]) -> None:
    """Keep the work; let Ctrl-C reach the parent only, which ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work[:] = [work]


def _do(item: Any) -> Any:
    return _work[0](item)
