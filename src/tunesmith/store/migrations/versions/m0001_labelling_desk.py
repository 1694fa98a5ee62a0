"""Users, annotation tasks, items, leases and the append-only log of labels."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, CheckConstraint, Column, Double, ForeignKey, Integer, Text, UniqueConstraint, text

from tunesmith.store.migrations.append_only import refuse_changes

revision = "0001"
down_revision = None

_APPEND_ONLY = ("label_events", "audit_log")


def upgrade() -> None:
    """Make the tables, and triggers that refuse to change what is append-only."""
    op.create_table(
        "users",
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("role", Text, nullable=False),
        Column("password_hash", Text),
        Column("skills", Text, nullable=False),
        Column("disabled", Boolean, nullable=False),
        Column("created_at", Double, nullable=False),
        CheckConstraint("role IN ('admin', 'lead', 'labeler', 'viewer')", name="role_known"),
    )

    op.create_table(
        "invites",
        Column("token_hash", Text, primary_key=True),
        Column("role", Text, nullable=False),
        Column("skills", Text, nullable=False),
        Column("created_by", Integer, ForeignKey("users.id")),
        Column("expires_at", Double, nullable=False),
        Column("used_by", Integer, ForeignKey("users.id")),
    )

    op.create_table(
        "sessions",
        Column("token_hash", Text, primary_key=True),
        Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
        Column("expires_at", Double, nullable=False),
    )

    op.create_table(
        "login_failures",
        Column("id", Integer, primary_key=True),
        Column("account", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("time", Double, nullable=False),
    )

    op.create_table(
        "annotation_tasks",
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("overlap", Integer, nullable=False),
        Column("seed", Integer, nullable=False),
        Column("gold_every", Integer, nullable=False),
        Column("lease_seconds", Integer, nullable=False),
        Column("paused", Boolean, nullable=False),
        Column("created_at", Double, nullable=False),
        CheckConstraint("kind IN ('rank', 'pair', 'write', 'edit')", name="kind_known"),
        CheckConstraint("overlap BETWEEN 1 AND 50", name="overlap_sane"),
    )

    op.create_table(
        "guidelines",
        Column("id", Integer, primary_key=True),
        Column("annotation_task_id", Integer, ForeignKey("annotation_tasks.id"), nullable=False),
        Column("version", Integer, nullable=False),
        Column("text", Text, nullable=False),
        Column("author_id", Integer, ForeignKey("users.id")),
        Column("created_at", Double, nullable=False),
        UniqueConstraint("annotation_task_id", "version", name="one_text_per_version"),
    )

    op.create_table(
        "guideline_reads",
        Column("guideline_id", Integer, ForeignKey("guidelines.id"), primary_key=True),
        Column("user_id", Integer, ForeignKey("users.id"), primary_key=True),
        Column("time", Double, nullable=False),
    )

    op.create_table(
        "items",
        Column("id", Integer, primary_key=True),
        Column("annotation_task_id", Integer, ForeignKey("annotation_tasks.id"), nullable=False),
        Column("record_id", Text, nullable=False),
        Column("record", Text, nullable=False),
        Column("priority", Integer, nullable=False),
        Column("skill", Text),
        Column("gold", Text),
        Column("is_gold", Boolean, nullable=False),
        Column("overlap", Integer, nullable=False),
        Column("free", Integer, nullable=False),
        UniqueConstraint("annotation_task_id", "record_id", name="one_item_per_record"),
        CheckConstraint("free >= 0 AND free <= overlap", name="free_within_overlap"),
    )

    op.create_table(
        "leases",
        Column("id", Integer, primary_key=True),
        Column("item_id", Integer, ForeignKey("items.id"), nullable=False),
        Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
        Column("slot", Integer),
        Column("state", Text, nullable=False),
        Column("expires_at", Double),
        UniqueConstraint("item_id", "slot", name="one_labeler_per_slot"),
        UniqueConstraint("item_id", "user_id", name="one_slot_per_labeler"),
        CheckConstraint("state IN ('held', 'done', 'skipped', 'expired')", name="state_known"),
    )

    op.create_table(
        "label_events",
        Column("id", Integer, primary_key=True),
        Column("key", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("item_id", Integer, ForeignKey("items.id"), nullable=False),
        Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
        Column("refers_to", Integer, ForeignKey("label_events.id"), unique=True),
        Column("guideline_id", Integer, ForeignKey("guidelines.id")),
        Column("payload", Text, nullable=False),
        Column("shown", Text, nullable=False),
        Column("seconds", Double),
        Column("time", Double, nullable=False),
        CheckConstraint("kind IN ('label', 'skip', 'undo', 'decision')", name="event_kind_known"),
    )

    op.create_table(
        "audit_log",
        Column("id", Integer, primary_key=True),
        Column("time", Double, nullable=False),
        Column("user_id", Integer, ForeignKey("users.id")),
        Column("action", Text, nullable=False),
        Column("detail", Text, nullable=False),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_login_failures_time", "login_failures", ["time"])
    op.create_index(
        "items_waiting",
        "items",
        ["annotation_task_id", "is_gold", text("priority DESC"), "id"],
        sqlite_where=text("free > 0"),
        postgresql_where=text("free > 0"),
    )
    op.create_index("leases_expiring", "leases", ["state", "expires_at"])
    op.create_index("ix_leases_user_id", "leases", ["user_id"])
    op.create_index("ix_label_events_item_id", "label_events", ["item_id"])
    op.create_index("ix_label_events_user_id", "label_events", ["user_id"])

    for table in _APPEND_ONLY:
        refuse_changes(table)
