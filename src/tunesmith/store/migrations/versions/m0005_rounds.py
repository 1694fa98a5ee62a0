"""Rounds of items that everybody answers: calibration rounds, and screenings with their candidates."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, CheckConstraint, Column, Double, ForeignKey, Integer, Text, UniqueConstraint

from tunesmith.store.migrations.append_only import refuse_changes

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables and columns; what is there keeps its meaning."""
    # As SQL, because alembic would add a foreign key apart, which SQLite cannot.
    for table, column in (("users", "candidate_of"), ("invites", "screening_id")):
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER REFERENCES annotation_tasks (id)")
    op.execute("ALTER TABLE annotation_tasks ADD COLUMN screening BOOLEAN DEFAULT false NOT NULL")
    op.create_table(
        "rounds",
        Column("id", Integer, primary_key=True),
        Column("annotation_task_id", Integer, ForeignKey("annotation_tasks.id"), nullable=False),
        Column("number", Integer, nullable=False),
        Column("guideline_id", Integer, ForeignKey("guidelines.id")),
        Column("opened_by", Integer, ForeignKey("users.id")),
        Column("opened_at", Double, nullable=False),
        UniqueConstraint("annotation_task_id", "number", name="one_round_per_number"),
    )
    op.create_table(
        "round_items",
        Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
        Column("round_id", Integer, ForeignKey("rounds.id"), nullable=False),
        Column("position", Integer, nullable=False),
        Column("test", Text),
        UniqueConstraint("round_id", "position", name="one_item_per_position"),
        CheckConstraint("test IN ('flagging', 'ranking', 'writing', 'self_assessment')", name="test_known"),
    )
    op.create_table(
        "round_finishes",
        Column("round_id", Integer, ForeignKey("rounds.id"), primary_key=True),
        Column("user_id", Integer, ForeignKey("users.id"), primary_key=True),
        Column("time", Double, nullable=False),
    )
    op.create_table(
        "grades",
        Column("id", Integer, primary_key=True),
        Column("event_id", Integer, ForeignKey("label_events.id"), nullable=False),
        Column("grader_id", Integer, ForeignKey("users.id"), nullable=False),
        Column("grade", Integer, nullable=False),
        Column("time", Double, nullable=False),
        CheckConstraint("grade BETWEEN 1 AND 7", name="grade_on_the_scale"),
    )
    op.create_table(
        "verdicts",
        Column("id", Integer, primary_key=True),
        Column("annotation_task_id", Integer, ForeignKey("annotation_tasks.id"), nullable=False),
        Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
        Column("decided_by", Integer, ForeignKey("users.id"), nullable=False),
        Column("approved", Boolean, nullable=False),
        Column("note", Text, nullable=False),
        Column("time", Double, nullable=False),
    )
    op.create_index("ix_grades_event_id", "grades", ["event_id"])
    op.create_index("ix_verdicts_user_id", "verdicts", ["user_id"])
    for table in ("round_finishes", "grades", "verdicts"):
        refuse_changes(table)
