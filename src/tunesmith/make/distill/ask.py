"""Ask a teacher many questions at once, within a budget; every answer is logged before the next one is counted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import NamedTuple

from tunesmith.core.errors import TunesmithError
from tunesmith.core.records import Message
from tunesmith.make.distill.log import Answer, AnswerLog, answer_key
from tunesmith.make.teacher import Decoding, Reply, Teacher, TeacherError


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run may cost, together with what its log already holds. None: no limit."""

    requests: int | None = None
    tokens: int | None = None


class Question(NamedTuple):
    """A prompt and which of its answers is wanted, from 0."""

    messages: tuple[Message, ...]
    number: int


@dataclass(slots=True)
class Asked:
    """What came of the questions: answers by key, how many were new, why some failed, how many the budget left."""

    answers: dict[str, Answer] = field(default_factory=dict)
    new: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    over_budget: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How to ask. `now` gives the time in ISO 8601; `progress` is called with each new answer's count and the total."""

    decoding: Decoding
    budget: Budget
    concurrency: int
    now: Callable[[], str]
    progress: Callable[[int, int], None] = lambda done, total: None


def seeded(decoding: Decoding, number: int) -> Decoding:
    """Return how answer `number` is decoded: each of several answers has its own seed."""
    if decoding.seed is None or number == 0:
        return decoding
    return Decoding(
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        max_tokens=decoding.max_tokens,
        seed=decoding.seed + number,
    )


def ask(teacher: Teacher, questions: Sequence[Question], log: AnswerLog, how: Asking) -> Asked:
    """Return the answers that the log knows or the teacher gives.

    The token budget counts an answer that is under way as `max_tokens`, so it is not overrun by what the teacher counts
    for answers (its count of the prompts is only known afterwards). A question that fails is asked again next time.

    Raises:
        TunesmithError: the teacher refuses every request (a wrong key or model).
    """
    result = Asked()
    waiting: dict[str, Question] = {}
    for question in questions:
        key = answer_key(teacher.name, seeded(how.decoding, question.number), *question)
        known = log.get(key)
        if known:
            result.answers[key] = known
        else:
            waiting[key] = question
    total = len(waiting)
    for key, outcome in _answered(teacher, waiting, log, how, result):
        if isinstance(outcome, TeacherError):
            if outcome.fatal:
                raise TunesmithError(
                    "the teacher refuses", why=outcome.reason, remedy="check address, model and key"
                ) from outcome
            result.failed[outcome.reason] += 1
            continue
        answer = Answer(key, outcome.text, outcome.finish, outcome.tokens, how.now())
        log.add(answer)
        result.answers[key] = answer
        result.new += 1
        how.progress(result.new, total)
    return result


def _answered(
    teacher: Teacher, waiting: dict[str, Question], log: AnswerLog, how: Asking, result: Asked
) -> Iterator[tuple[str, Reply | TeacherError]]:
    """Yield each question's key and outcome as it comes, keeping `concurrency` of them under way."""
    under_way: dict[Future[Reply], str] = {}
    requests, tokens = len(log.own), sum(answer.tokens for answer in log.own.values())
    left = iter(waiting.items())
    pool = ThreadPoolExecutor(how.concurrency, thread_name_prefix="teacher")
    try:
        while True:
            while len(under_way) < how.concurrency:
                reserved = tokens + (len(under_way) + 1) * how.decoding.max_tokens
                if _exhausted(how.budget, requests + len(under_way) + 1, reserved):
                    break
                item = next(left, None)
                if item is None:
                    break
                key, question = item
                under_way[pool.submit(teacher.reply, question.messages, seeded(how.decoding, question.number))] = key
            if not under_way:
                break
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                key = under_way.pop(future)
                requests += 1
                outcome = _outcome(future)
                tokens += outcome.tokens if isinstance(outcome, Reply) else 0
                yield key, outcome
        result.over_budget = sum(1 for _ in left)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _exhausted(budget: Budget, requests: int, tokens: int) -> bool:
    if budget.requests is not None and requests > budget.requests:
        return True
    return budget.tokens is not None and tokens > budget.tokens


def _outcome(future: Future[Reply]) -> Reply | TeacherError:
    try:
        return future.result()
    except TeacherError as error:
        return error
