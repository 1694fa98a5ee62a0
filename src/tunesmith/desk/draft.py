"""A task's first form: what is asked, the model answer, and the gold structure from which the judge decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tunesmith.core.records import Message
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World

Gold = dict[str, Any]


class Draft(NamedTuple):
    """One demonstration before assembly.

    `gold` holds the keys that `tunesmith.desk.judge` documents. `context` is pasted text whose facts may be repeated by
    an answer that is right, but do not count as asked for.
    """

    prompt: tuple[Message, ...]
    answer: str
    gold: Gold
    context: str = ""


Maker = Callable[[Voice, World], Draft]


def ask(text: str, answer: str, gold: Gold, *, context: str = "", system: str = "") -> Draft:
    """Return a draft with one user message, after a system message where one is given."""
    messages = (Message("user", text),)
    return Draft((Message("system", system), *messages) if system else messages, answer, gold, context)


def chat(turns: Sequence[str], answer: str, gold: Gold, *, context: str = "", system: str = "") -> Draft:
    """Return a draft of several turns: user, assistant, user, ...; the last one is the user's."""
    messages = tuple(Message("assistant" if i % 2 else "user", turn) for i, turn in enumerate(turns))
    return Draft((Message("system", system), *messages) if system else messages, answer, gold, context)
