"""A/B tests: experiments, their arms and metrics, and the append-only logs of exposures and outcomes."""

from __future__ import annotations

from alembic import op
from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Integer, Text, UniqueConstraint

from tunesmith.store.migrations.append_only import refuse_changes

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "experiments",
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("salt", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("promoted_arm", Text),
        Column("created_at", Double, nullable=False),
        Column("ended_at", Double),
        CheckConstraint("kind IN ('prompt', 'model')", name="experiment_kind_known"),
        CheckConstraint("status IN ('running', 'stopped', 'promoted')", name="experiment_status_known"),
    )
    op.create_table(
        "experiment_arms",
        Column("id", Integer, primary_key=True),
        Column("experiment_id", Integer, ForeignKey("experiments.id"), nullable=False),
        Column("position", Integer, nullable=False),
        Column("name", Text, nullable=False),
        Column("share", Double, nullable=False),
        Column("value", Text, nullable=False),
        UniqueConstraint("experiment_id", "name", name="one_arm_per_name"),
        UniqueConstraint("experiment_id", "position", name="one_arm_per_position"),
        CheckConstraint("share > 0 AND share < 1", name="share_is_a_probability"),
    )
    op.create_table(
        "experiment_metrics",
        Column("id", Integer, primary_key=True),
        Column("experiment_id", Integer, ForeignKey("experiments.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("better", Text, nullable=False),
        Column("margin", Double, nullable=False),
        UniqueConstraint("experiment_id", "name", name="one_metric_per_name"),
        CheckConstraint("role IN ('primary', 'secondary', 'guardrail')", name="metric_role_known"),
        CheckConstraint("better IN ('higher', 'lower')", name="better_known"),
    )
    _logs()


def _logs() -> None:
    op.create_table(
        "exposures",
        Column("id", Integer, primary_key=True),
        Column("experiment_id", Integer, ForeignKey("experiments.id"), nullable=False),
        Column("arm_id", Integer, ForeignKey("experiment_arms.id"), nullable=False),
        Column("person", Text, nullable=False),
        Column("reply_id", Text, unique=True),
        Column("time", Double, nullable=False),
    )
    op.create_table(
        "outcomes",
        Column("id", Integer, primary_key=True),
        Column("key", Text, nullable=False, unique=True),
        Column("experiment_id", Integer, ForeignKey("experiments.id"), nullable=False),
        Column("arm_id", Integer, ForeignKey("experiment_arms.id"), nullable=False),
        Column("person", Text, nullable=False),
        Column("metric", Text, nullable=False),
        Column("value", Double, nullable=False),
        Column("time", Double, nullable=False),
    )
    op.create_index("ix_exposures_experiment_id", "exposures", ["experiment_id", "person"])
    op.create_index("ix_outcomes_experiment_id", "outcomes", ["experiment_id", "metric"])
    for table in ("exposures", "outcomes"):
        refuse_changes(table)
