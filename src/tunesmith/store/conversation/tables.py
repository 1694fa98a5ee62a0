"""The tables of conversations and feedback, as the newest migration leaves them (a test holds the two equal).

Times are seconds since 1970, UTC. JSON is kept as text in canonical form. `feedback_events` is append-only for as long
as its conversation is there: triggers refuse UPDATE always, and DELETE until the conversation was erased by its owner.
"""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Double, ForeignKey, Integer, MetaData, Table, Text

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("consent", Boolean, nullable=False),  # may its feedback be exported and trained on?
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("erased_at", Double),  # the texts are gone; that there was a conversation is kept
)

replies = Table(
    "replies",
    metadata,
    Column("id", Text, primary_key=True),  # the id that the client was given
    Column("conversation_id", Text, ForeignKey("conversations.id"), index=True),  # NULL: served, but no text was kept
    Column("parent_id", Text, ForeignKey("replies.id")),  # the reply before it in the conversation
    Column("pair_id", Text),  # the two replies of a side-by-side pair share it
    Column("asked", Text, nullable=False),  # what the person wrote; the prompt may hold more
    Column("messages", Text, nullable=False),  # the prompt, as the model read it
    Column("completion", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("origin", Text, nullable=False),  # model folder and run
    Column("sampling", Text, nullable=False),  # seed, temperature, ...
    Column("timings", Text, nullable=False),
    Column("receipt", Text),  # what was put into the context, and what was left out
    Column("finish_reason", Text, nullable=False),
    Column("time", Double, nullable=False),
)

feedback_events = Table(
    "feedback_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # made by the client: a retried click is stored once
    Column("kind", Text, nullable=False),
    Column("conversation_id", Text, ForeignKey("conversations.id"), nullable=False, index=True),
    Column("reply_id", Text, ForeignKey("replies.id"), nullable=False, index=True),
    Column("other_id", Text, ForeignKey("replies.id")),  # the other reply of a vote, the older one of a regeneration
    Column("payload", Text, nullable=False),
    Column("time", Double, nullable=False),
    CheckConstraint("kind IN ('thumb', 'vote', 'edit', 'regeneration')", name="feedback_kind_known"),
)
