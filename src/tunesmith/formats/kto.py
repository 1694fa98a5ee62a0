"""KTO's unpaired form: one answer with a verdict, `{"messages" or "prompt" + "completion", "label": true or false}`.

A desirable answer is a demonstration. An undesirable one is none: it becomes a prompt, and the answer is kept in meta
under `undesirable`, so that nothing ever imitates it.
"""

from __future__ import annotations

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Prompt, Record
from tunesmith.formats import openai_chat, trl_completion
from tunesmith.formats.fields import JsonRow

NAME = "kto"


def sniff(row: JsonRow) -> bool:
    """Say whether the row has an answer and a verdict on it."""
    verdict = row.get("label", row.get("kto_tag"))
    return isinstance(verdict, bool) and (openai_chat.sniff(row) or trl_completion.sniff(row))


def parse(row: JsonRow) -> list[Record]:
    """Return a demonstration or a prompt.

    Raises:
        DataError: a turn is wrong, there is no answer, or the verdict is not true or false.
    """
    name = "label" if "label" in row else "kto_tag"
    verdict = row.get(name)
    if not isinstance(verdict, bool):
        raise DataError("must be true or false", where=name)
    rest = {key: value for key, value in row.items() if key != name}
    records = openai_chat.parse(rest) if "messages" in rest else trl_completion.parse(rest)
    answered = records[0]
    if not isinstance(answered, Demonstration):
        raise DataError("must end in an assistant message", where="messages")
    if verdict:
        return [Demonstration(messages=answered.messages, meta={**answered.meta, "desirable": True})]
    return [Prompt(messages=answered.prompt, meta={**answered.meta, "undesirable": answered.completion})]
