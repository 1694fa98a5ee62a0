"""A prompt that grows: every step is rendered and counted with the model's own template and tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tunesmith.context.framing import Part, framed, tag_for
from tunesmith.context.page import sentence_ends
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Message
from tunesmith.text.chat_template import ChatTemplate


class ContextTooLongError(ConfigError):
    """The system message and the last user turn alone do not fit; `needed` tokens against `room`."""

    def __init__(self, needed: int, room: int, max_length: int, max_tokens: int) -> None:
        super().__init__(
            f"the system message and the last message need {needed:,} tokens, but there is room for {max(room, 0):,}",
            where="max_length",
            why=f"max_length {max_length:,} minus max_tokens {max_tokens:,}",
            remedy="shorten the message, or ask for a shorter answer (max_tokens)",
        )
        self.needed, self.room, self.max_length, self.max_tokens = needed, room, max_length, max_tokens


class Conversation(NamedTuple):
    """A chat cut at its joints: the system message, finished exchanges (the oldest first), the last user turn."""

    system: Message | None
    exchanges: tuple[tuple[Message, ...], ...]
    question: Message


def conversation_of(messages: Sequence[Message]) -> Conversation:
    """Return the parts of a chat whose last message is the user's. An exchange begins with a user message.

    Raises:
        ConfigError: there are no messages, or the last one is not the user's.
    """
    if not messages or messages[-1].role != "user":
        raise ConfigError("the last message must be the user's", where="messages")
    system = messages[0] if messages[0].role == "system" else None
    exchanges: list[list[Message]] = []
    for message in messages[1 if system else 0 : -1]:
        if message.role == "user" or not exchanges:
            exchanges.append([])
        exchanges[-1].append(message)
    return Conversation(system, tuple(tuple(exchange) for exchange in exchanges), messages[-1])


class Draft:
    """The parts and exchanges that are in, and the exact ids of the prompt that they make; never above `room`."""

    def __init__(
        self, template: ChatTemplate, talk: Conversation, others: Sequence[str], *, room: int, delimited: bool
    ) -> None:
        self.template = template
        self.talk = talk
        self.room = room
        self.parts: list[Part] = []
        self.exchanges = 0  # how many of the newest are in
        self._delimited = delimited
        self._tag = tag_for([*others, *(m.content for e in talk.exchanges for m in e), talk.question.content])
        self.ids = self.render(self.parts, 0)

    @property
    def free(self) -> int:
        """Tokens of the room that are not used yet."""
        return self.room - len(self.ids)

    def messages(self, parts: Sequence[Part], exchanges: int) -> list[Message]:
        """Return the chat with these parts in its last turn and the newest exchanges before it."""
        kept = self.talk.exchanges[len(self.talk.exchanges) - exchanges :]
        text = framed(parts, self.talk.question.content, self._tag, delimited=self._delimited)
        head = [self.talk.system] if self.talk.system else []
        return [*head, *(message for exchange in kept for message in exchange), Message("user", text)]

    def render(self, parts: Sequence[Part], exchanges: int) -> list[int]:
        """Return the ids of that chat with the start of the answer."""
        return self.template.render_prompt(self.messages(parts, exchanges))

    def accept(self, parts: Sequence[Part], exchanges: int, *, room: int | None = None) -> int | None:
        """Take a larger prompt if it fits, and return the tokens it added; else leave all as it was and return None."""
        ids = self.render(parts, exchanges)
        if len(ids) > (self.room if room is None else min(room, self.room)):
            return None
        added = len(ids) - len(self.ids)
        self.ids, self.parts, self.exchanges = ids, list(parts), exchanges
        return added

    def accept_cut(self, place: int, part: Part, *, room: int) -> int | None:
        """Put in (or at `place` replace) as many whole sentences of a part as fit; return the tokens added, or None.

        A part that fits whole after all is not marked as cut.
        """
        ends = sentence_ends(part.text)

        def take(index: int) -> int | None:
            whole = index == len(ends) - 1
            text = part.text if whole else part.text[: ends[index]].rstrip()
            shown = part._replace(text=text, cut=not whole)
            return self.accept([*self.parts[:place], shown, *self.parts[place + 1 :]], self.exchanges, room=room)

        return farthest(take, len(ends))


def farthest(take: Callable[[int], int | None], n: int) -> int | None:
    """Call `take` with growing indices below n, doubling, then halving the gap; return the sum of what was added.

    Doubling first: a page of megabytes is never tokenised much further than what fits.
    """
    total, good, step = None, -1, 1
    bad = n
    while good + step < bad:
        added = take(good + step)
        if added is None:
            bad = good + step
            break
        total = (total or 0) + added
        good += step
        step *= 2
    while bad - good > 1:
        middle = (good + bad) // 2
        added = take(middle)
        if added is None:
            bad = middle
        else:
            total = (total or 0) + added
            good = middle
    return total
