"""A PostgreSQL server started for the tests from the machine's own binaries, on a socket nobody else can reach."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def program(name: str) -> str | None:
    """Return a PostgreSQL program: on the path, or where Debian puts it."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


def missing() -> str:
    """Return why there can be no server here, or an empty text."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed (extra `postgres`)"
    return "" if program("initdb") and program("pg_ctl") else "no PostgreSQL on this machine"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    folder: Path

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[PostgresServer]:
        folder = Path(tempfile.mkdtemp(prefix="tunesmith-pg-"))
        try:
            if os.geteuid() == 0:  # the server refuses to run as root
                shutil.chown(folder, "postgres", "postgres")
            server = cls(folder)
            server._run("initdb", "-D", str(folder / "data"), "-U", "desk", "--auth=trust", "--no-sync", "-E", "UTF8")
            options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
            server._run("pg_ctl", "-D", str(folder / "data"), "-w", "-l", str(folder / "log"), "-o", options, "start")
            try:
                yield server
            finally:
                server._run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def new_url(self) -> str:
        """Make an empty schema, which costs far less than a database, and return a URL that sees it alone."""
        import psycopg

        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(host=str(self.folder), user="desk", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"postgresql://desk@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def _run(self, name: str, *words: str) -> None:
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        # Not a pipe: the server would inherit it and never close it.
        with (self.folder.parent / f"{self.folder.name}.out").open("w+") as out:
            done = subprocess.run([*prefix, str(program(name)), *words], stdout=out, stderr=out, cwd="/", check=False)
            out.seek(0)
            text = out.read()
        Path(out.name).unlink()
        assert done.returncode == 0, text
