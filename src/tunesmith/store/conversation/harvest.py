"""Feedback becomes records to train on: only of conversations whose owner consented, in the same order each time.

* A vote is a ranking of the two replies; *both bad* is a tie whose completions carry the flag `not_acceptable`.
* An edit is a demonstration, and ranks above the reply that it mends.
* A regeneration is weak evidence and left out unless asked for: the newer reply ranks above the older one if the person
  went on from the newer one and the older one had been finished.
* A thumb is no ranking: it is the flag `thumb_up` or `thumb_down` on completions that are ranked anyway, and a verdict
  of its own in `verdicts`.

All labels of one prompt make one record, so that the reward model sees its K completions together (InstructGPT section
3.5). `meta` names the replies and the conversation; the conversation is also the split key, since its turns share text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, select

from tunesmith.core.records import (
    Completion,
    Demonstration,
    Message,
    Ranking,
    RankingLabel,
    messages_to_json,
)
from tunesmith.store.annotation.labels import NOT_ACCEPTABLE
from tunesmith.store.conversation.feedback import FeedbackEvent, feedback_of, newest
from tunesmith.store.conversation.replies import Reply, replies_of
from tunesmith.store.conversation.tables import conversations

FINISHED = "stop"
Made = TypeVar("Made")
_THUMBS = {"up": "thumb_up", "down": "thumb_down"}


class Harvest(NamedTuple, Generic[Made]):
    """What was made, and how many pieces of feedback were not used, by reason."""

    records: list[Made]
    left_out: Counter[str]


@dataclass(frozen=True, slots=True)
class _Talk:
    id: str
    labeler: str
    replies: dict[str, Reply]
    events: list[FeedbackEvent]
    left_out: Counter[str] = field(default_factory=Counter)

    def went_on_from(self, reply: Reply) -> bool:
        return any(later.parent_id == reply.id for later in self.replies.values())

    def meta(self, replies: Sequence[str]) -> dict[str, Any]:
        return {"source": "chat", "user": self.id, "replies": sorted(replies)}


class _Judgement(NamedTuple):
    """One event as a label: the reply whose prompt it is about, what was compared, and the order."""

    reply: Reply
    event: FeedbackEvent
    order: tuple[tuple[str, ...], ...]
    flag: str | None = None


def rankings(connection: Connection, *, regenerations: bool = False) -> Harvest[Ranking]:
    """Return one ranking record per prompt that somebody's feedback orders replies of."""
    made: list[Ranking] = []
    left_out: Counter[str] = Counter()
    for talk in _talks(connection):
        by_prompt: dict[tuple[Message, ...], list[_Judgement]] = defaultdict(list)
        for judgement in _judgements(talk, regenerations):
            by_prompt[judgement.reply.messages].append(judgement)
        made += [_ranking(talk, messages, found) for messages, found in by_prompt.items()]
        left_out += talk.left_out
    return Harvest(made, left_out)


def demonstrations(connection: Connection) -> Harvest[Demonstration]:
    """Return one demonstration per edited reply: the prompt, and the text that the person wanted."""
    made: list[Demonstration] = []
    left_out: Counter[str] = Counter()
    for talk in _talks(connection):
        for event in newest(talk.events, "edit").values():
            reply = talk.replies[event.reply_id]
            if _changed(talk, reply, event):
                meta = {**talk.meta([reply.id]), "labeler": talk.labeler}
                answer = Message("assistant", event.payload["text"].strip())
                made.append(Demonstration(messages=(*reply.messages, answer), meta=meta))
        left_out += talk.left_out
    return Harvest(made, left_out)


def verdicts(connection: Connection) -> Harvest[dict[str, Any]]:
    """Return one row of the format `kto` per reply with a thumb: messages and `label`, true for up."""
    made: list[dict[str, Any]] = []
    for talk in _talks(connection):
        for event in newest(talk.events, "thumb").values():
            if event.payload["value"] == "none":
                continue
            reply = talk.replies[event.reply_id]
            messages = messages_to_json((*reply.messages, Message("assistant", reply.completion)))
            meta = {**talk.meta([reply.id]), "labeler": talk.labeler}
            made.append({"messages": messages, "label": event.payload["value"] == "up", "meta": meta})
    return Harvest(made, Counter())


def without_consent(connection: Connection) -> int:
    """Return how many conversations with feedback stay out because their owner did not consent."""
    found = select(conversations.c.id).where(~conversations.c.consent, conversations.c.erased_at.is_(None))
    return sum(bool(feedback_of(connection, name)) for name in connection.execute(found).scalars().all())


def _talks(connection: Connection) -> Iterator[_Talk]:
    found = (
        select(conversations.c.id, conversations.c.owner)
        .where(conversations.c.consent, conversations.c.erased_at.is_(None))
        .order_by(conversations.c.created_at, conversations.c.id)
    )
    for row in connection.execute(found).all():
        replies = {reply.id: reply for reply in replies_of(connection, row.id)}
        yield _Talk(row.id, f"chat:{row.owner}", replies, feedback_of(connection, row.id))


def _judgements(talk: _Talk, regenerations: bool) -> Iterator[_Judgement]:
    edits = newest(talk.events, "edit")
    for event in talk.events:
        reply = talk.replies[event.reply_id]
        if event.kind == "vote":
            yield from _vote(talk, reply, event)
        elif event.kind == "edit" and edits[reply.id] is event and _changed(talk, reply, event):
            yield _Judgement(reply, event, ((_edited(event),), (reply.id,)))
        elif event.kind == "regeneration" and regenerations and _kept(talk, reply, event):
            assert event.other_id is not None
            yield _Judgement(reply, event, ((reply.id,), (event.other_id,)))


def _vote(talk: _Talk, reply: Reply, event: FeedbackEvent) -> Iterator[_Judgement]:
    assert event.other_id is not None
    if talk.replies[event.other_id].messages != reply.messages:
        talk.left_out["the two models did not read the same prompt"] += 1
        return
    first, second, choice = reply.id, event.other_id, event.payload["choice"]
    orders = {"first": ((first,), (second,)), "second": ((second,), (first,))}
    yield _Judgement(
        reply, event, orders.get(choice, ((first, second),)), NOT_ACCEPTABLE if choice == "both_bad" else None
    )


def _changed(talk: _Talk, reply: Reply, event: FeedbackEvent) -> bool:
    if event.payload["text"].strip() == reply.completion.strip():
        talk.left_out["the edit changed nothing"] += 1
        return False
    return True


def _kept(talk: _Talk, newer: Reply, event: FeedbackEvent) -> bool:
    assert event.other_id is not None
    older = talk.replies[event.other_id]
    reasons = {
        "the older reply was not finished": older.finish_reason != FINISHED or newer.finish_reason != FINISHED,
        "the two replies did not answer the same prompt": older.messages != newer.messages,
        "the person did not go on from the newer reply": not talk.went_on_from(newer) or talk.went_on_from(older),
    }
    for reason, holds in reasons.items():
        if holds:
            talk.left_out[reason] += 1
            return False
    return True


def _edited(event: FeedbackEvent) -> str:
    return f"edit-{event.id}"


def _ranking(talk: _Talk, messages: tuple[Message, ...], found: Sequence[_Judgement]) -> Ranking:
    edits = {_edited(one.event): one.event for one in found if one.event.kind == "edit"}
    names = list(dict.fromkeys(name for one in found for group in one.order for name in group))
    completions = [
        Completion(id=name, text=edits[name].payload["text"].strip(), model=talk.labeler)
        if name in edits
        else Completion(id=name, text=talk.replies[name].completion, model=talk.replies[name].model)
        for name in names
    ]
    meta = talk.meta([name for name in names if name not in edits])
    labels = tuple(_label(talk, one) for one in found)
    return Ranking(messages=messages, completions=tuple(completions), rankings=labels, meta=meta)


def _label(talk: _Talk, one: _Judgement) -> RankingLabel:
    thumbs = newest(talk.events, "thumb")
    flags: dict[str, tuple[str, ...]] = {}
    for name in (name for group in one.order for name in group):
        said = [one.flag] if one.flag else []
        if name in thumbs and thumbs[name].payload["value"] in _THUMBS:
            said.append(_THUMBS[thumbs[name].payload["value"]])
        if said:
            flags[name] = tuple(said)
    time = datetime.fromtimestamp(one.event.time, UTC).isoformat(timespec="seconds")
    return RankingLabel(labeler=talk.labeler, order=one.order, flags=flags, time=time)
