"""Ask a model that never saw a chat in plain text: solved examples, the request, and the word after which it goes on.

    Question: How long is the warranty?
    Answer: 12 months.

    Question: Where is my order?
    Answer:

InstructGPT calls GPT-3 asked in such a way "prompted" (arXiv 2203.02155, section 3.5). An answer ends at a blank line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tunesmith.core.records import Demonstration, Message

BLANK_LINE = "\n\n"


class Labels(NamedTuple):
    """The words before a request and before an answer."""

    asked: str
    answered: str


def plain_prompt(messages: Sequence[Message], examples: Sequence[Demonstration], labels: Labels) -> str:
    """Return the text that the model continues. A system message stands above the request, without a label."""
    shown = [f"{_asked(e.prompt, labels)} {e.completion.strip()}{BLANK_LINE}" for e in examples]
    return "".join(shown) + _asked(messages, labels)


def can_be_shown(example: Demonstration) -> bool:
    """Whether the example holds no blank line, at which an answer ends."""
    return not any(BLANK_LINE in m.content.strip() for m in example.messages)


def _asked(messages: Sequence[Message], labels: Labels) -> str:
    words = {"assistant": f"{labels.answered} ", "system": ""}
    lines = [f"{words.get(m.role, f'{labels.asked} ')}{m.content.strip()}" for m in messages]
    return "\n".join([*lines, labels.answered])
