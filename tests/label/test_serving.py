from __future__ import annotations

import subprocess
import sys

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.label.serving import first_invite, prepare
from tunesmith.store.annotation import users
from tunesmith.store.database import Database

from .scene import Scene


@pytest.mark.parametrize(
    ("host", "public_url"), [("0.0.0.0", None), ("192.168.0.7", None), ("127.0.0.1", "https://l.example")]
)
def test_others_cannot_reach_a_desk_without_users(database: Database, host: str, public_url: str | None) -> None:
    with pytest.raises(ConfigError, match="nobody can log in"):
        prepare(database, host=host, public_url=public_url)
    Scene(database).user("ann", "admin")
    assert prepare(database, host=host, public_url=public_url).secure is (public_url is not None)


def test_the_first_start_invites_the_admin_and_later_ones_do_not(database: Database) -> None:
    desk = prepare(database, host="127.0.0.1", public_url=None)
    assert str(first_invite(desk)).startswith("/join/")
    ann = Scene(database).user("ann", "admin")
    assert first_invite(desk) is None
    with database.write() as connection:
        users.set_disabled(connection, ann.id, True)
    assert first_invite(desk) is not None


@pytest.mark.parametrize("url", ["label.example.org", "ftp://x", "https://", "https://x/path"])
def test_a_public_address_is_one(database: Database, url: str) -> None:
    Scene(database).user("ann", "admin")
    with pytest.raises(ConfigError, match="public-url"):
        prepare(database, host="127.0.0.1", public_url=url)


def test_the_desk_starts_without_what_only_its_figures_need() -> None:
    """scipy.stats takes a second to import, a third of the start: it is loaded with the first interval."""
    said = "import sys, tunesmith.label.serving; print('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout == "False\n"
