"""The answers of a teacher, kept as they come: an append-only file that a killed run goes on from, and a cache.

An answer's key is the hash of all that it depends on: the teacher, how it decodes, the messages, and which of several
answers it is. So the same question is never paid for twice, in this run or, with `reuse`, in another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, get_args

import orjson

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Message, messages_to_json
from tunesmith.make.teacher import Decoding, Finish


class Answer(NamedTuple):
    """One logged answer; `tokens` as the teacher counted, `time` in ISO 8601, UTC."""

    key: str
    text: str
    finish: Finish
    tokens: int
    time: str


def answer_key(teacher: str, decoding: Decoding, messages: Sequence[Message], number: int) -> str:
    """Return the content hash of one request; `number` tells apart several answers to the same prompt."""
    body = [teacher, decoding.to_json(), messages_to_json(tuple(messages)), number]
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_log(path: Path) -> dict[str, Answer]:
    """Return the answers of a log by key; a last line that a crash cut short is left out.

    Raises:
        ConfigError: the file cannot be read.
        DataError: another line is damaged; `where` is file:line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError("cannot be read", where=str(path), why=error.strerror or "") from error
    lines = data.split(b"\n")
    # What follows the last line end is either nothing or what a crash left of a line.
    answers = {}
    for number, line in enumerate(lines[:-1], 1):
        answer = _parsed(line, f"{path}:{number}")
        answers[answer.key] = answer
    return answers


def _parsed(line: bytes, where: str) -> Answer:
    try:
        body = orjson.loads(line)
        answer = Answer(*(body[name] for name in Answer._fields))
        if answer.finish not in get_args(Finish) or not isinstance(answer.text, str):
            raise ValueError("a field has the wrong type")
        return answer._replace(tokens=int(answer.tokens))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        remedy = "remove that line; its answer will be asked for again"
        raise DataError("is not a logged answer", where=where, why=str(error), remedy=remedy) from error


class AnswerLog:
    """An open log. Each answer is on the disk before `add` returns."""

    def __init__(self, path: Path, reuse: Sequence[Path] = ()) -> None:
        self.path = path
        self.reused: dict[str, Answer] = {}
        for other in reuse:
            self.reused |= read_log(other)
        self.own: dict[str, Answer] = read_log(path) if path.exists() else {}
        self._file: BinaryIO | None = None

    def __enter__(self) -> AnswerLog:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        whole = self.path.read_bytes().rfind(b"\n") + 1
        # A line that was cut short must not run into the next one.
        self._file.truncate(whole)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def get(self, key: str) -> Answer | None:
        """Return the answer that is known under a key."""
        return self.own.get(key) or self.reused.get(key)

    def add(self, answer: Answer) -> None:
        """Append an answer and flush it to the disk."""
        assert self._file is not None, "the log is not open"
        self._file.write(orjson.dumps(answer._asdict(), option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.own[answer.key] = answer


def spent(answers: Mapping[str, Answer]) -> int:
    """Return the tokens of all answers."""
    return sum(answer.tokens for answer in answers.values())
