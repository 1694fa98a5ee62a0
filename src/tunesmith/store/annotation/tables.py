"""The tables of the labelling desk, as the newest migration leaves them (a test holds the two equal).

Times are seconds since 1970, UTC. JSON is kept as text in canonical form. `label_events` is append-only, and triggers
hold it so; everything else about labels is derived from it or can be made again.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),  # NULL: nobody can log in (labels that were imported or simulated)
    Column("skills", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("candidate_of", Integer, ForeignKey("annotation_tasks.id")),  # a screening that is all they may work on
    CheckConstraint("role IN ('admin', 'lead', 'labeler', 'viewer')", name="role_known"),
)

invites = Table(
    "invites",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("skills", Text, nullable=False),
    Column("created_by", Integer, ForeignKey("users.id")),
    Column("expires_at", Double, nullable=False),
    Column("used_by", Integer, ForeignKey("users.id")),
    Column("screening_id", Integer, ForeignKey("annotation_tasks.id")),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("expires_at", Double, nullable=False),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("time", Double, nullable=False, index=True),
)

annotation_tasks = Table(
    "annotation_tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("overlap", Integer, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("gold_every", Integer, nullable=False),
    Column("lease_seconds", Integer, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("screening", Boolean, nullable=False, server_default=false()),  # its items say their kind, not `kind`
    CheckConstraint("kind IN ('rank', 'pair', 'write', 'edit')", name="kind_known"),
    CheckConstraint("overlap BETWEEN 1 AND 50", name="overlap_sane"),
)

guidelines = Table(
    "guidelines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("annotation_task_id", Integer, ForeignKey("annotation_tasks.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("author_id", Integer, ForeignKey("users.id")),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("annotation_task_id", "version", name="one_text_per_version"),
)

guideline_reads = Table(
    "guideline_reads",
    metadata,
    Column("guideline_id", Integer, ForeignKey("guidelines.id"), primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), primary_key=True),
    Column("time", Double, nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("annotation_task_id", Integer, ForeignKey("annotation_tasks.id"), nullable=False),
    Column("record_id", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("skill", Text),
    Column("gold", Text),  # the known answer, hidden from labelers
    Column("is_gold", Boolean, nullable=False),
    Column("overlap", Integer, nullable=False),
    Column("free", Integer, nullable=False),  # overlap minus the slots that are leased or labeled
    UniqueConstraint("annotation_task_id", "record_id", name="one_item_per_record"),
    CheckConstraint("free >= 0 AND free <= overlap", name="free_within_overlap"),
    Index(
        "items_waiting",
        "annotation_task_id",
        "is_gold",
        text("priority DESC"),
        "id",
        sqlite_where=text("free > 0"),
        postgresql_where=text("free > 0"),
    ),
    # Its order keeps it from serving the queue, which must walk `items_waiting`.
    Index("items_counted", "annotation_task_id", "overlap", "free", "is_gold", "skill"),
)

leases = Table(
    "leases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("slot", Integer),  # 0 .. overlap - 1; NULL once the labeler skipped the item or let the lease expire
    Column("state", Text, nullable=False),
    Column("expires_at", Double),
    UniqueConstraint("item_id", "slot", name="one_labeler_per_slot"),
    UniqueConstraint("item_id", "user_id", name="one_slot_per_labeler"),
    CheckConstraint("state IN ('held', 'done', 'skipped', 'expired')", name="state_known"),
    Index("leases_expiring", "state", "expires_at"),
)

label_events = Table(
    "label_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # made by the client: a retried submit is stored once
    Column("kind", Text, nullable=False),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False, index=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("refers_to", Integer, ForeignKey("label_events.id"), unique=True),  # the event that this one takes back
    Column("guideline_id", Integer, ForeignKey("guidelines.id")),
    Column("payload", Text, nullable=False),
    Column("shown", Text, nullable=False),  # completion ids in the order in which this labeler saw them
    Column("seconds", Double),
    Column("time", Double, nullable=False),
    CheckConstraint("kind IN ('label', 'skip', 'undo', 'decision')", name="event_kind_known"),
)

rounds = Table(
    "rounds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("annotation_task_id", Integer, ForeignKey("annotation_tasks.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("guideline_id", Integer, ForeignKey("guidelines.id")),  # in force when the round was opened
    Column("opened_by", Integer, ForeignKey("users.id")),  # NULL: the command line
    Column("opened_at", Double, nullable=False),
    UniqueConstraint("annotation_task_id", "number", name="one_round_per_number"),
)

# An item of a round is never one of the ordinary queue, nor of the hidden gold items.
round_items = Table(
    "round_items",
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("round_id", Integer, ForeignKey("rounds.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("test", Text),  # NULL in a calibration round
    UniqueConstraint("round_id", "position", name="one_item_per_position"),
    CheckConstraint("test IN ('flagging', 'ranking', 'writing', 'self_assessment')", name="test_known"),
)

# Append-only: from here on the answers of this labeler stand, and may be compared.
round_finishes = Table(
    "round_finishes",
    metadata,
    Column("round_id", Integer, ForeignKey("rounds.id"), primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), primary_key=True),
    Column("time", Double, nullable=False),
)

# Append-only; of several grades that one person gave one demonstration the newest counts.
grades = Table(
    "grades",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event_id", Integer, ForeignKey("label_events.id"), nullable=False, index=True),
    Column("grader_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("grade", Integer, nullable=False),
    Column("time", Double, nullable=False),
    CheckConstraint("grade BETWEEN 1 AND 7", name="grade_on_the_scale"),
)

# Append-only; the newest verdict on a candidate counts.
verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("annotation_task_id", Integer, ForeignKey("annotation_tasks.id"), nullable=False),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("decided_by", Integer, ForeignKey("users.id"), nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("time", Double, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Double, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
