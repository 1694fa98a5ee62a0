"""The labelling desk as a process of its own: `python -m tests.end_to_end.desk_server URL PORT JOURNAL`."""

from __future__ import annotations

import sys

from tunesmith.label.serving import prepare, serve
from tunesmith.store.database import open_database

if __name__ == "__main__":
    url, port, journal = sys.argv[1:]
    database = open_database(url, journal=journal or None)  # type: ignore[arg-type]
    serve(prepare(database, host="127.0.0.1", public_url=None), host="127.0.0.1", port=int(port), log=print)
