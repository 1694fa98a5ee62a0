"""Concurrency, budgets, the log, and going on after a kill."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

import pytest

from tunesmith.core.errors import TunesmithError
from tunesmith.core.records import Message
from tunesmith.make.distill.ask import Asked, Asking, Budget, Question, ask
from tunesmith.make.distill.log import AnswerLog
from tunesmith.make.teacher import Decoding, Reply, TeacherError


@dataclass
class FakeTeacher:
    """Answers with its own count of calls; can fail, stop the world, or be slow."""

    name: str = "fake"
    fail_on: str = ""
    fatal: bool = False
    die_after: int = 10**9
    slow_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    seeds: list[int | None] = field(default_factory=list)
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _now: int = 0

    def reply(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        with self._lock:
            if len(self.asked) >= self.die_after:
                raise KeyboardInterrupt
            self.asked.append(messages[-1].content)
            self.seeds.append(decoding.seed)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        sleep(self.slow_s)
        with self._lock:
            self._now -= 1
        if self.fail_on and self.fail_on in messages[-1].content:
            raise TeacherError("no luck", fatal=self.fatal)
        return Reply(f"re: {messages[-1].content}", "stop", 10)


def questions(n: int, completions: int = 1) -> list[Question]:
    return [Question((Message("user", f"q{i}"),), k) for k in range(completions) for i in range(n)]


def run(path: Path, teacher: FakeTeacher, todo: Sequence[Question], *, concurrency: int = 1, **budget: int) -> Asked:
    how = Asking(
        decoding=Decoding(max_tokens=20, seed=7),
        budget=Budget(**budget),
        concurrency=concurrency,
        now=lambda: "2020-01-01T00:00:00+00:00",
    )
    with AnswerLog(path) as log:
        return ask(teacher, todo, log, how)


def texts(result: Asked) -> list[str]:
    return sorted(answer.text for answer in result.answers.values())


def test_the_same_question_is_asked_once(tmp_path: Path) -> None:
    teacher = FakeTeacher()
    first = run(tmp_path / "log", teacher, questions(3) + questions(3))
    again = run(tmp_path / "log", teacher, questions(4))
    assert (first.new, again.new) == (3, 1) and teacher.asked == ["q0", "q1", "q2", "q3"]
    assert texts(again) == ["re: q0", "re: q1", "re: q2", "re: q3"]


def test_each_of_several_answers_has_its_own_seed(tmp_path: Path) -> None:
    teacher = FakeTeacher()
    assert run(tmp_path / "log", teacher, questions(1, completions=3)).new == 3 and teacher.seeds == [7, 8, 9]


def test_as_many_at_once_as_asked_for(tmp_path: Path) -> None:
    teacher = FakeTeacher(slow_s=0.05)
    assert run(tmp_path / "log", teacher, questions(12), concurrency=4).new == 12 and teacher.most_at_once == 4


def test_a_request_budget_counts_earlier_tries(tmp_path: Path) -> None:
    teacher = FakeTeacher()
    first = run(tmp_path / "log", teacher, questions(10), requests=4, concurrency=3)
    second = run(tmp_path / "log", teacher, questions(10), requests=6)
    assert (first.new, first.over_budget, second.new, second.over_budget) == (4, 6, 2, 4)


def test_a_token_budget_reserves_the_longest_answer(tmp_path: Path) -> None:
    # Each answer costs 10; 20 are reserved while it is under way: the fourth needs 30 + 20 <= 50.
    result = run(tmp_path / "log", FakeTeacher(), questions(10), tokens=50)
    assert (result.new, result.over_budget) == (4, 6)


def test_failures_are_counted_and_asked_again_next_time(tmp_path: Path) -> None:
    result = run(tmp_path / "log", FakeTeacher(fail_on="q1"), questions(3))
    assert result.failed == {"no luck": 1} and texts(result) == ["re: q0", "re: q2"]
    assert run(tmp_path / "log", FakeTeacher(), questions(3)).new == 1


def test_a_fatal_failure_ends_it(tmp_path: Path) -> None:
    with pytest.raises(TunesmithError, match="refuses"):
        run(tmp_path / "log", FakeTeacher(fail_on="q1", fatal=True), questions(3))
    assert run(tmp_path / "log", FakeTeacher(), questions(3)).new == 2


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("torn", [b"", b'{"key": "abc", "te'])
def test_killed_and_gone_on_is_the_same_as_never_killed(tmp_path: Path, concurrency: int, torn: bytes) -> None:
    whole = run(tmp_path / "whole", FakeTeacher(), questions(8))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "log", FakeTeacher(die_after=4), questions(8), concurrency=concurrency)
    with (tmp_path / "log").open("ab") as file:
        file.write(torn)  # what a crash leaves of a line
    teacher = FakeTeacher()
    rest = run(tmp_path / "log", teacher, questions(8), concurrency=concurrency)
    assert rest.answers == whole.answers and len(teacher.asked) <= 8 - 4 + concurrency - 1
    assert run(tmp_path / "log", FakeTeacher(die_after=0), questions(8)).answers == whole.answers
