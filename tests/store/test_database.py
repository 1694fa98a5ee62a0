from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from tunesmith.core.errors import ConfigError, EnvironmentProblem
from tunesmith.store import migrations
from tunesmith.store.annotation import rounds, tasks, users
from tunesmith.store.conversation import tables as conversation_tables
from tunesmith.store.database import database_url, default_journal, open_database
from tunesmith.store.experiment import tables as experiment_tables  # on the labelling desk's metadata

from ..postgres import PostgresServer

METADATA = [experiment_tables.metadata, conversation_tables.metadata]


@pytest.mark.parametrize(
    ("version", "journal"),
    [
        ((3, 40, 1), "truncate"),
        ((3, 44, 5), "truncate"),
        ((3, 44, 6), "wal"),
        ((3, 45, 0), "truncate"),
        ((3, 50, 7), "wal"),
        ((3, 51, 2), "truncate"),
        ((3, 51, 3), "wal"),
    ],
)
def test_the_write_ahead_log_only_where_its_bug_is_mended(version: tuple[int, ...], journal: str) -> None:
    assert default_journal(version) == journal


def test_urls() -> None:
    assert database_url("some.db").database == "some.db"
    assert database_url("sqlite:////abs/some.db").database == "/abs/some.db"
    assert database_url("postgresql://u@h/n").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["mysql://u@h/n", "sqlite://", "sqlite:///:memory:", "://", "nothing://"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        database_url(url)


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="unable to open"):
        open_database(str(tmp_path / "no folder" / "x.db"))


@pytest.mark.parametrize("journal", ["wal", "truncate"])
def test_a_commit_is_on_disk(tmp_path: Path, journal: str) -> None:
    database = open_database(str(tmp_path / "x.db"), journal=journal)  # type: ignore[arg-type]
    with database.read() as connection:
        seen = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        assert seen == [journal, 2]
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_an_error_undoes_the_whole_block(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "x.db"))
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO login_failures (account, address, time) VALUES ('a', 'b', 1)")
        raise ZeroDivisionError
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM login_failures").scalar() == 0
    database.close()


def test_two_processes_write_in_turn(tmp_path: Path) -> None:
    """Two openings of one file stand for two processes: a writer waits for the other's transaction."""
    path = str(tmp_path / "x.db")
    one, two = open_database(path), open_database(path)

    def write(database: object) -> None:
        for _ in range(20):
            with database.write() as connection:  # type: ignore[attr-defined]
                n = connection.exec_driver_sql("SELECT count(*) FROM login_failures").scalar()
                connection.exec_driver_sql(f"INSERT INTO login_failures VALUES ({n + 1}, 'a', 'b', 1)")

    threads = [threading.Thread(target=write, args=(database,)) for database in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with one.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM login_failures").scalar() == 40
    one.close()
    two.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    database = open_database(path)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(EnvironmentProblem, match=r"9999.*newer version"):
        open_database(path)


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_a_desk_of_an_older_version_keeps_what_it_holds(
    tmp_path: Path, backend: str, request: pytest.FixtureRequest
) -> None:
    """Version 0004 with a user, an invite and a task; then the newest steps, and everything means what it meant."""
    server: PostgresServer | None = request.getfixturevalue("postgres") if backend == "postgres" else None
    url = server.new_url() if server else str(tmp_path / "x.db")
    engine = create_engine(database_url(url))
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    with engine.begin() as connection:
        steps = EnvironmentContext(config, script, fn=lambda revision, _: script._upgrade_revs("0004", revision))
        with steps as context:
            context.configure(connection=connection)
            context.run_migrations()
        for row in (
            "users (id, name, role, skills, disabled, created_at) VALUES (1, 'ann', 'labeler', '[]', false, 1)",
            "invites (token_hash, role, skills, expires_at) VALUES ('x', 'labeler', '[]', 9)",
            "annotation_tasks (id, name, kind, overlap, seed, gold_every, lease_seconds, paused, created_at) "
            "VALUES (1, 't', 'rank', 2, 0, 10, 60, false, 1)",
        ):
            connection.exec_driver_sql(f"INSERT INTO {row}")
    engine.dispose()
    database = open_database(url)
    with database.read() as connection:
        task, user = tasks.get_annotation_task(connection, 1), users.get_user(connection, 1)
        assert (task.name, task.kind, user.name, user.candidate_of) == ("t", "rank", "ann", None)
        assert rounds.due_round(connection, 1, user) is None
    database.close()


def _is_comparable(_object: object, name: str | None, *_more: object) -> bool:
    return name != "items_waiting"  # alembic cannot compare an index that sorts one column downwards


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_the_migrations_make_the_tables_that_the_code_uses(
    tmp_path: Path, backend: str, request: pytest.FixtureRequest
) -> None:
    server: PostgresServer | None = request.getfixturevalue("postgres") if backend == "postgres" else None
    database = open_database(server.new_url() if server else str(tmp_path / "x.db"))
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_comparable})
        differences = compare_metadata(context, METADATA)
        tables = set(inspect(connection).get_table_names())
    database.close()
    assert differences == [] and tables == {*(name for one in METADATA for name in one.tables), "alembic_version"}
