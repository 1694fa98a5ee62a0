from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

from tunesmith.checks.engines import AHEAD, run_in_order
from tunesmith.core.errors import EnvironmentProblem


def square(number: int) -> int:
    return number * number


def die(number: int) -> int:
    os._exit(9)


def test_processes_keep_the_order() -> None:
    assert list(run_in_order(square, range(20), engine="local", workers=2)) == [n * n for n in range(20)]


def test_items_are_taken_only_as_they_are_needed() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield taken

    answers = run_in_order(square, items(), engine="local", workers=2)
    next(answers)
    assert taken <= 2 * AHEAD + 2
    answers.close()  # type: ignore[attr-defined]


def test_a_dead_worker_is_an_environment_problem() -> None:
    with pytest.raises(EnvironmentProblem, match="a worker process died"):
        list(run_in_order(die, range(4), engine="local", workers=2))


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_ray_is_asked_for_by_name_where_it_is_missing() -> None:
    with pytest.raises(EnvironmentProblem, match="Ray is not installed"):
        list(run_in_order(square, range(4), engine="ray", workers=2))
