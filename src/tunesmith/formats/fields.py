"""The fields that many formats share: prompts and chat turns in their several spellings; all else is meta."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.reading_records import text_field
from tunesmith.core.records import Demonstration, Message, Prompt, Role

JsonRow = Mapping[str, Any]

ROLE_NAMES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
    "tool_response": "tool",
}
PROMPT_FIELDS = frozenset(
    {"prompt", "instruction", "question", "input", "context", "system", "system_prompt", "history"}
)
_ITEM_FIELDS = frozenset({"role", "from", "content", "value"})


class Turns(NamedTuple):
    """Chat turns, and per turn the fields that a message has no room for (such as `weight` or `name`)."""

    messages: tuple[Message, ...]
    extras: list[dict[str, Any]]

    def meta(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Return `meta` with the turns' other fields under `message_fields`, where there are any."""
        return meta | {"message_fields": self.extras} if any(self.extras) else meta


def turns(value: object, where: str) -> Turns:
    """Return chat turns from `{"role", "content"}`, `{"from", "value"}` or `[role, text]` items.

    Roles go by any of their usual names. An empty system turn says nothing and is left out. Content given as a list
    of text parts is joined.

    Raises:
        DataError: not a non-empty list of such items, an unknown role, or content that is not text.
    """
    if not isinstance(value, list) or not value:
        raise DataError("must be a non-empty list of messages", where=where)
    messages, extras = [], []
    for index, item in enumerate(value):
        place = f"{where}[{index}]"
        fields = {"role": item[0], "content": item[1]} if isinstance(item, list) and len(item) >= 2 else item
        if not isinstance(fields, dict):
            raise DataError(f"must be an object, not {type(fields).__name__}", where=place)
        # What is missing is named as its neighbour is written.
        pairs = ("from", "value") if ("from" in fields or "value" in fields) else ("role", "content")
        role_field = "role" if "role" in fields else pairs[0]
        role = role_of(fields.get(role_field), f"{place}.{role_field}")
        content_field = "content" if "content" in fields else pairs[1]
        content = content_of(fields.get(content_field), f"{place}.{content_field}")
        if not content.strip():
            if role == "system":
                continue
            raise DataError("is empty", where=f"{place}.{content_field}")
        messages.append(Message(role, content))
        extras.append({k: v for k, v in fields.items() if k not in _ITEM_FIELDS and v is not None})
    return Turns(tuple(messages), extras)


def role_of(value: object, where: str) -> Role:
    """Return the role that a name stands for.

    Raises:
        DataError: the name is unknown or not text.
    """
    role = ROLE_NAMES.get(value.strip().lower()) if isinstance(value, str) else None
    if role is None:
        raise DataError(f"unknown role {str(value)[:60]!r}", where=where)
    return role


def content_of(value: object, where: str) -> str:
    """Return a turn's text, joining a list of text parts.

    Raises:
        DataError: not text, or a part that is not text (an image, a tool call).
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise DataError(f"must be text, not {type(value).__name__}", where=where)
    texts = []
    for index, part in enumerate(value):
        text = part.get("text") if isinstance(part, dict) and part.get("type", "text") == "text" else None
        if not isinstance(text, str):
            raise DataError("is a part that is not text", where=f"{where}[{index}]")
        texts.append(text)
    return "".join(texts)


def first_of(row: JsonRow, names: Collection[str]) -> str:
    """Return the first of the names that the row has with a value, else an empty text."""
    for name in names:
        if row.get(name) is not None:
            return name
    return ""


def optional_text(row: JsonRow, name: str) -> str:
    """Return a text field, empty where it is missing or null.

    Raises:
        DataError: the field is there but not text.
    """
    return "" if row.get(name) is None else text_field(row, name)


def filled_text(row: JsonRow, name: str, where: str = "") -> str:
    """Return a text field that must hold more than blanks; `where` names it if not `name`.

    Raises:
        DataError: the field is missing, empty or not text.
    """
    value = row.get(name)
    if not isinstance(value, str):
        missing = name not in row or value is None
        raise DataError("is missing" if missing else f"must be text, not {type(value).__name__}", where=where or name)
    if not value.strip():
        raise DataError("is empty", where=where or name)
    return value


def prompt_of(row: JsonRow) -> Turns:
    """Return the prompt of a row: `prompt`, `instruction` with `input` or `context`, `question`, or `input`.

    `system` (or `system_prompt`) becomes the first turn and `history` (pairs) the turns before the prompt.

    Raises:
        DataError: there is none of them, or one has the wrong type.
    """
    name = first_of(row, ("prompt", "instruction", "question", "input"))
    if not name:
        raise DataError("is missing", where="prompt")
    system = optional_text(row, first_of(row, ("system", "system_prompt")) or "system")
    before = [Message("system", system)] if system.strip() else []
    before += _history(row.get("history"))
    if isinstance(row[name], list):
        chat = turns(row[name], name)
        if before and chat.messages and chat.messages[0] == before[0]:
            before = before[1:]
        return Turns((*before, *chat.messages), [{} for _ in before] + chat.extras)
    text = text_field(row, name)
    if name == "instruction":
        more = optional_text(row, first_of(row, ("input", "context")) or "input")
        text = f"{text}\n\n{more}" if text.strip() and more.strip() else text if text.strip() else more
    if not text.strip():
        raise DataError("is empty", where=name)
    return Turns((*before, Message("user", text)), [])


def _history(value: object) -> list[Message]:
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise DataError("must be a list of [user, assistant] pairs", where="history")
    messages = []
    for index, pair in enumerate(value):
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise DataError("must be a pair of texts", where=f"history[{index}]")
        messages += [Message("user", pair[0]), Message("assistant", pair[1])]
    return messages


def answer_of(value: object, where: str) -> str:
    """Return one answer's text from a text, one chat turn, or a list of one chat turn.

    Raises:
        DataError: none of these, or the turn is not the assistant's.
    """
    if isinstance(value, str):
        return filled_text({where: value}, where)
    if isinstance(value, dict | list):
        chat = turns(value if isinstance(value, list) else [value], where).messages
        if len(chat) == 1 and chat[0].role == "assistant":
            return chat[0].content
        raise DataError("must be one assistant message", where=where)
    raise DataError("is missing" if value is None else f"must be text, not {type(value).__name__}", where=where)


def extras(row: JsonRow, used: Collection[str]) -> dict[str, Any]:
    """Return all other fields of the row, as meta; a `meta` object of the row comes first."""
    given = row.get("meta")
    meta = dict(given) if isinstance(given, dict) else {}
    if given is not None and not isinstance(given, dict):
        raise DataError("must be an object", where="meta")
    for name, value in row.items():
        if name not in used and name != "meta" and value is not None and value != "":
            meta[name] = value
    return meta


def conversation(chat: Turns, meta: dict[str, Any]) -> Prompt | Demonstration:
    """Return a demonstration if the last turn is the assistant's, else a prompt that waits for its answer."""
    answered = bool(chat.messages) and chat.messages[-1].role == "assistant"
    kind = Demonstration if answered else Prompt
    return kind(messages=chat.messages, meta=chat.meta(meta))
