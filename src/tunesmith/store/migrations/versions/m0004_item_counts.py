"""An index from which the desk counts a task's items without reading their records."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the index."""
    op.create_index("items_counted", "items", ["annotation_task_id", "overlap", "free", "is_gold", "skill"])
