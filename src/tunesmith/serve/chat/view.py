"""A conversation as the page reads it. Of a pair without a vote, nobody is told which model wrote what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunesmith.serve.chat.pairs import in_shown_order
from tunesmith.store.conversation.conversations import Conversation
from tunesmith.store.conversation.feedback import FeedbackEvent
from tunesmith.store.conversation.replies import Reply


def conversation_line(conversation: Conversation) -> dict[str, Any]:
    """Return what the list of conversations shows."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "consent": conversation.consent,
        "changed_at": conversation.changed_at,
    }


def conversation_view(
    conversation: Conversation, replies: Sequence[Reply], events: Sequence[FeedbackEvent]
) -> dict[str, Any]:
    """Return a conversation with its replies, oldest first, and what was said about them."""
    voted = {event.reply_id for event in events if event.kind == "vote"}
    open_pairs = {reply.pair_id for reply in replies if reply.pair_id}
    open_pairs -= {reply.pair_id for reply in replies if reply.id in voted}
    return {
        "conversation": conversation_line(conversation),
        "replies": [_reply(one, blind=one.pair_id in open_pairs) for one in in_shown_order(replies)],
        "feedback": [feedback_view(event) for event in events],
    }


def feedback_view(event: FeedbackEvent) -> dict[str, Any]:
    """Return what the page needs to know of an event."""
    return {"kind": event.kind, "reply": event.reply_id, "other": event.other_id, "payload": dict(event.payload)}


def _reply(reply: Reply, *, blind: bool) -> dict[str, Any]:
    return {
        "id": reply.id,
        "parent": reply.parent_id,
        "pair": reply.pair_id,
        "asked": reply.asked,
        "completion": reply.completion,
        # Who takes part in an A/B test is not told the arm: knowing it would change the votes.
        "model": "" if blind else reply.origin.get("experiment", reply.model),
        "finish": reply.finish_reason,
        "timings": {} if blind else dict(reply.timings),
        "receipt": None if blind or reply.receipt is None else dict(reply.receipt),
        "time": reply.time,
    }
