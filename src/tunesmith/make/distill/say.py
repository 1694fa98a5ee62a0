"""Say one thing to a teacher after another, through the log and within the budget; for methods that need to wait."""

from __future__ import annotations

from tunesmith.core.errors import PartialError
from tunesmith.core.records import Message
from tunesmith.make.distill.ask import Asking, Question, ask
from tunesmith.make.distill.log import AnswerLog
from tunesmith.make.teacher import Teacher


class Sayer:
    """Calls are answered by the log where it knows them, so that a killed run repeats its way without paying again."""

    def __init__(self, teacher: Teacher, log: AnswerLog, how: Asking) -> None:
        self._teacher = teacher
        self._log = log
        self._how = how
        self.new = 0

    def __call__(self, text: str) -> str:
        """Return what the teacher says to one user message.

        Raises:
            PartialError: the budget is spent, or the teacher stays without an answer; what was said is in the log.
        """
        result = ask(self._teacher, [Question((Message("user", text),), 0)], self._log, self._how)
        self.new += result.new
        if result.answers:
            return next(iter(result.answers.values())).text
        why = "; ".join(result.failed) or "the budget is spent"
        remedy = (
            "run the same command again; it goes on from there" if result.failed else "raise the budget and run again"
        )
        raise PartialError("the teacher gave no answer", where=str(self._log.path), why=why, remedy=remedy)
