"""What every record must satisfy, from whatever format it came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Demonstration, Document, Message, Ranking, RankingLabel, Record

# Named once: most records have few messages, and there may be millions of records.
_MESSAGE_FIELDS = [f"messages[{index}].content" for index in range(16)]


class _Text(NamedTuple):
    where: str
    text: str


def check(record: Record) -> None:
    """Raise if the record cannot be trained on or stored.

    Raises:
        DataError: an empty or damaged text, a conversation without a user turn or an answer, answers that cannot be
            compared, or meta that is not JSON; `where` names the field.
    """
    for where, text in _texts(record):
        _check_text(text, where)
    _check_meta(record.meta)
    if isinstance(record, Document):
        return
    messages = record.messages
    if isinstance(record, Demonstration):
        messages = record.messages[:-1]
        if not record.messages or record.messages[-1].role != "assistant":
            raise DataError("must end in an assistant turn", where="messages")
    _check_prompt(messages)
    if isinstance(record, Comparison) and record.chosen == record.rejected:
        raise DataError("chosen equals rejected", where="rejected")
    if isinstance(record, Ranking):
        _check_ranking(record)


def _texts(record: Record) -> Iterator[_Text]:
    if isinstance(record, Document):
        yield _Text("text", record.text)
        return
    for index, message in enumerate(record.messages):
        yield _Text(_MESSAGE_FIELDS[index] if index < 16 else f"messages[{index}].content", message.content)
    if isinstance(record, Comparison):
        yield _Text("chosen", record.chosen)
        yield _Text("rejected", record.rejected)
    elif isinstance(record, Ranking):
        for index, completion in enumerate(record.completions):
            yield _Text(f"completions[{index}].text", completion.text)


def _check_text(text: str, where: str) -> None:
    if not text.strip():
        raise DataError("is empty", where=where)
    if "\x00" in text:
        raise DataError("holds a zero byte", where=where)
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError("holds a lone surrogate, which is no character", where=where) from error


def _check_prompt(messages: tuple[Message, ...]) -> None:
    """Raise unless there is a user turn and the last turn waits for an answer."""
    users = sum(message.role == "user" for message in messages)
    if not users:
        raise DataError("there is no user turn before the answer", where="messages")
    if messages[-1].role == "assistant":
        raise DataError("two assistant turns follow each other, or the prompt is already answered", where="messages")
    if users > 1 and not any(message.role == "assistant" for message in messages):
        raise DataError(f"there are {users} user turns and no answer between them", where="messages")


def _check_ranking(record: Ranking) -> None:
    if len(record.completions) < 2:
        raise DataError("holds one completion; a ranking needs at least two", where="completions")
    ids = [completion.id for completion in record.completions]
    if len(set(ids)) != len(ids):
        raise DataError("two completions have the same id", where="completions")
    for index, label in enumerate(record.rankings):
        _check_label(label, set(ids), f"rankings[{index}]")


def _check_label(label: RankingLabel, ids: set[str], where: str) -> None:
    ranked = [i for group in label.order for i in group]
    if not all(label.order):
        raise DataError("holds an empty group", where=f"{where}.order")
    if len(ranked) < 2:
        raise DataError(f"ranks {len(ranked)} completion(s); a ranking needs at least two", where=f"{where}.order")
    if len(set(ranked)) != len(ranked):
        raise DataError("a completion id is ranked twice", where=f"{where}.order")
    if not ids.issuperset(ranked):
        raise DataError("names a completion id that is not there", where=f"{where}.order")


def _check_meta(meta: Mapping[str, Any]) -> None:
    if not meta:
        return
    try:
        # What cannot be written (nested too deeply, a lone surrogate, an integer over 64 bits) has no content hash.
        orjson.dumps({"record": {"meta": dict(meta)}})
    except TypeError as error:
        raise DataError(f"cannot be stored: {error}", where="meta") from error
