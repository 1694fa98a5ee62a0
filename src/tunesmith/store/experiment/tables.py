"""The tables of A/B tests, as the newest migration leaves them (a test holds the two equal).

Times are seconds since 1970, UTC. People are kept as salted hashes only. Exposures and outcomes are append-only.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from tunesmith.store.annotation.tables import metadata

experiments = Table(
    "experiments",
    metadata,
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

experiment_arms = Table(
    "experiment_arms",
    metadata,
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

experiment_metrics = Table(
    "experiment_metrics",
    metadata,
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

exposures = Table(
    "exposures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("experiment_id", Integer, ForeignKey("experiments.id"), nullable=False),
    Column("arm_id", Integer, ForeignKey("experiment_arms.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("reply_id", Text, unique=True),
    Column("time", Double, nullable=False),
    Index("ix_exposures_experiment_id", "experiment_id", "person"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("experiment_id", Integer, ForeignKey("experiments.id"), nullable=False),
    Column("arm_id", Integer, ForeignKey("experiment_arms.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("time", Double, nullable=False),
    Index("ix_outcomes_experiment_id", "experiment_id", "metric"),
)
