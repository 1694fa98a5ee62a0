"""`samples.jsonl`: every request, response and score of an evaluation, so that it can be scored and compared again.

One line per item, in the task's order; nothing that differs between two equal runs (times lie in `times.json`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tunesmith.core.errors import DataError
from tunesmith.core.records import Message, messages_to_json
from tunesmith.evaluate.scorer import Likelihoods, Response, Written
from tunesmith.evaluate.task import Ask, Choices, Item
from tunesmith.train.durable import replace_file

FILE = "samples.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One item, what the model said, and the values of each measure (none: unscored)."""

    task: str
    item: Item
    response: Response
    scores: Mapping[str, Sequence[float]] = field(default_factory=dict)
    model: str = ""
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; `sample_of` is the inverse."""
        return {
            "task": self.task,
            "key": self.item.key,
            "cluster": self.item.cluster,
            "model": self.model,
            "seed": self.seed,
            "request": _request_json(self.item.request),
            "target": self.item.target,
            "groups": dict(self.item.groups),
            "response": self.response._asdict(),
            "scores": {name: list(values) for name, values in self.scores.items()},
        }

    @property
    def prompt(self) -> str:
        """What was asked, as one text."""
        request = self.item.request
        if isinstance(request, Choices):
            return request.context
        return request.plain or "\n".join(message.content for message in request.messages)


def write_samples(samples: Iterable[Sample], path: Path) -> None:
    """Write the log in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, _lines(samples))


def append_samples(samples: Iterable[Sample], path: Path) -> None:
    """Add samples to a log that is being written, and wait until the disk has them."""
    with path.open("ab") as stream:
        stream.write(_lines(samples))
        stream.flush()
        os.fsync(stream.fileno())


def _lines(samples: Iterable[Sample]) -> bytes:
    return b"".join(orjson.dumps(s.to_json(), option=orjson.OPT_APPEND_NEWLINE) for s in samples)


def read_samples(path: Path) -> list[Sample]:
    """Return the samples of a log, or of the run that has one.

    Raises:
        DataError: there is none, or a line is not a sample; the message names the line.
    """
    file = path / FILE if path.is_dir() else path
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise DataError("no log of samples", where=str(file), why=error.strerror or str(error)) from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(sample_of(orjson.loads(line)))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise DataError("not a sample of an evaluation", where=f"{file}:{number}", why=repr(error)) from error
    return found


def sample_of(body: Mapping[str, Any]) -> Sample:
    """Return the sample that `Sample.to_json` wrote."""
    request, response = body["request"], body["response"]
    item = Item(body["key"], body["cluster"], _request(request), body["target"], body["groups"])
    if "texts" in response:
        said: Response = Written(tuple(response["texts"]), tuple(response["finished"]))
    else:
        said = Likelihoods(tuple(response["logprobs"]), tuple(response["greedy"]), tuple(response["characters"]))
    return Sample(
        task=body["task"], item=item, response=said, scores=body["scores"], model=body["model"], seed=body["seed"]
    )


def _request_json(request: Choices | Ask) -> dict[str, Any]:
    if isinstance(request, Choices):
        return {"context": request.context, "continuations": list(request.continuations)}
    return {"messages": messages_to_json(request.messages), "plain": request.plain}


def _request(body: Mapping[str, Any]) -> Choices | Ask:
    if "continuations" in body:
        return Choices(body["context"], tuple(body["continuations"]))
    return Ask(tuple(Message(m["role"], m["content"]) for m in body["messages"]), body["plain"])
