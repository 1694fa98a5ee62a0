"""The project's database: SQLite in a file by default, PostgreSQL by URL; one place that opens, migrates and begins.

A write is one transaction: SQLite begins it with `BEGIN IMMEDIATE`, so a writer waits at the start and never has to
give up half-way; PostgreSQL locks the rows it names. An acknowledged commit is on disk: SQLite runs with
`synchronous=FULL`, PostgreSQL with its default `synchronous_commit`.

SQLite's write-ahead log could lose committed pages when two connections wrote at once (sqlite.org/wal.html, the
WAL-reset bug of versions before 3.51.3, fixed in 3.50.7 and 3.44.6 too). Where the library is older than that, the
rollback journal is used instead.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from tunesmith.core.errors import ConfigError, EnvironmentProblem
from tunesmith.store.migrations import migrate

Journal = Literal["wal", "truncate"]
BUSY_SECONDS = 10
_WRITES = "tunesmith_writes"


@dataclass(frozen=True, slots=True)
class Database:
    """An opened, migrated database. On SQLite the writers of one process take turns before they ask the file's lock."""

    engine: Engine
    turn: threading.Lock | None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the database."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection inside a transaction that is committed at the end of the block, or undone on an error."""
        with (
            self.turn or nullcontext(),
            self.engine.connect() as connection,
            connection.execution_options(**{_WRITES: True}).begin(),
        ):
            yield connection

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def open_database(url: str, *, journal: Journal | None = None) -> Database:
    """Open `sqlite:///FILE`, `postgresql://...` or a plain file name, and bring its schema up to date.

    `journal` overrides the choice that the module describes.

    Raises:
        ConfigError: the URL cannot be read, or names another kind of database.
        EnvironmentProblem: the database cannot be opened, or was written by a newer version.
    """
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _sqlite_engine(parsed, journal or default_journal(sqlite3.sqlite_version_info))
    else:
        engine = create_engine(parsed, pool_size=10, max_overflow=30, pool_pre_ping=True)
    database = Database(engine, threading.Lock() if engine.dialect.name == "sqlite" else None)
    try:
        with database.write() as connection:
            migrate(connection)
    except OperationalError as error:
        engine.dispose()
        raise EnvironmentProblem(
            "the database cannot be opened", where=parsed.render_as_string(), why=str(error.orig).strip()
        ) from error
    except BaseException:
        engine.dispose()
        raise
    return database


def database_url(text: str) -> URL:
    """Return the URL that a person meant; a text without `://` is the name of an SQLite file.

    Raises:
        ConfigError: it cannot be read, or names another kind of database.
    """
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text)))
    try:
        parsed = make_url(text)
    except ArgumentError as error:
        raise ConfigError("not a database URL", where=text, remedy="use sqlite:///FILE or postgresql://...") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        remedy = "use sqlite:///FILE or postgresql://USER@HOST/NAME"
        raise ConfigError("labels are kept in an SQLite file or in PostgreSQL", where=text, remedy=remedy)
    return parsed


def default_journal(version: tuple[int, ...]) -> Journal:
    """Return the write-ahead log for SQLite versions without the WAL-reset bug, else the rollback journal."""
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return "wal" if fixed else "truncate"


def _sqlite_engine(url: URL, journal: Journal) -> Engine:
    engine = create_engine(url, pool_size=10, max_overflow=30, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late
        for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
