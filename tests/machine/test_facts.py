from __future__ import annotations

import socket
from pathlib import Path

from tunesmith.machine.facts import package_version, port_free, writable


def test_an_absent_package_has_no_version() -> None:
    assert package_version("no-such-package-at-all") is None
    assert package_version("torch")


def test_a_taken_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not port_free(taken.getsockname()[1])
    assert port_free(0)


def test_writable(tmp_path: Path) -> None:
    assert writable(tmp_path)
    assert not writable(tmp_path / "absent")
