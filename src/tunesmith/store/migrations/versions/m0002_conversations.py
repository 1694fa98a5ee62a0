"""Conversations with served models, their replies, and the append-only log of feedback."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, CheckConstraint, Column, Double, ForeignKey, Integer, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables, and triggers that keep feedback append-only until its conversation was erased."""
    op.create_table(
        "conversations",
        Column("id", Text, primary_key=True),
        Column("owner", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("consent", Boolean, nullable=False),
        Column("created_at", Double, nullable=False),
        Column("changed_at", Double, nullable=False),
        Column("erased_at", Double),
    )
    op.create_table(
        "replies",
        Column("id", Text, primary_key=True),
        Column("conversation_id", Text, ForeignKey("conversations.id")),
        Column("parent_id", Text, ForeignKey("replies.id")),
        Column("pair_id", Text),
        Column("asked", Text, nullable=False),
        Column("messages", Text, nullable=False),
        Column("completion", Text, nullable=False),
        Column("model", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("sampling", Text, nullable=False),
        Column("timings", Text, nullable=False),
        Column("receipt", Text),
        Column("finish_reason", Text, nullable=False),
        Column("time", Double, nullable=False),
    )
    op.create_table(
        "feedback_events",
        Column("id", Integer, primary_key=True),
        Column("key", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("conversation_id", Text, ForeignKey("conversations.id"), nullable=False),
        Column("reply_id", Text, ForeignKey("replies.id"), nullable=False),
        Column("other_id", Text, ForeignKey("replies.id")),
        Column("payload", Text, nullable=False),
        Column("time", Double, nullable=False),
        CheckConstraint("kind IN ('thumb', 'vote', 'edit', 'regeneration')", name="feedback_kind_known"),
    )
    op.create_index("ix_conversations_owner", "conversations", ["owner"])
    op.create_index("ix_replies_conversation_id", "replies", ["conversation_id"])
    op.create_index("ix_feedback_events_conversation_id", "feedback_events", ["conversation_id"])
    op.create_index("ix_feedback_events_reply_id", "feedback_events", ["reply_id"])
    if op.get_context().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgresql_triggers()


_LIVES = "EXISTS (SELECT 1 FROM conversations WHERE id = OLD.conversation_id AND erased_at IS NULL)"


def _sqlite_triggers() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'feedback_events is append-only'); END"
    op.execute(f"CREATE TRIGGER feedback_events_no_update BEFORE UPDATE ON feedback_events {refuse}")
    op.execute(f"CREATE TRIGGER feedback_events_no_delete BEFORE DELETE ON feedback_events WHEN {_LIVES} {refuse}")


def _postgresql_triggers() -> None:
    op.execute(
        "CREATE FUNCTION feedback_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF NOT {_LIVES} THEN RETURN OLD; END IF; END IF; "
        "RAISE EXCEPTION 'feedback_events is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER feedback_events_append_only BEFORE UPDATE OR DELETE ON feedback_events "
        "FOR EACH ROW EXECUTE FUNCTION feedback_events_refuse()"
    )
    op.execute(
        "CREATE TRIGGER feedback_events_no_truncate BEFORE TRUNCATE ON feedback_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION feedback_events_refuse()"
    )
