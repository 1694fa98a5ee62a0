"""The schema's history, one numbered file per step in `versions/`; a released step is never edited.

Alembic runs the steps; there is no `env.py`, because the connection is always the one that the caller opened.
"""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tunesmith.core.errors import EnvironmentProblem


def migrate(connection: Connection) -> None:
    """Bring the schema up to date inside the caller's transaction; an up-to-date one is left alone.

    Raises:
        EnvironmentProblem: the database was written by a newer version.
    """
    folder = Path(__file__).parent
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    if connection.dialect.name == "postgresql":  # two processes that start at once migrate one after the other
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7405)")
    present = MigrationContext.configure(connection).get_current_revision()
    if present == script.get_current_head():
        return
    if present is not None and present not in known:
        raise EnvironmentProblem(
            f"the database has schema {present}, which this version does not know",
            why="a newer version wrote it",
            remedy="update tunesmith",
        )
    with EnvironmentContext(config, script, fn=lambda revision, _: script._upgrade_revs("head", revision)) as context:
        context.configure(connection=connection)
        context.run_migrations()
