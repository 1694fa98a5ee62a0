from __future__ import annotations

from pathlib import Path

import psutil

from tunesmith.machine.memory import memory_limit


def test_a_container_s_limit_counts(tmp_path: Path) -> None:
    limit, used = tmp_path / "max", tmp_path / "current"
    limit.write_text("1000000\n")
    used.write_text("400000\n")
    assert memory_limit(((limit, used),)) == (1_000_000, 600_000, str(limit))


def test_no_limit_is_the_machine(tmp_path: Path) -> None:
    limit = tmp_path / "max"
    limit.write_text("max\n")
    for groups in (((limit, tmp_path / "no"),), ((tmp_path / "no", tmp_path / "no"),), ()):
        found = memory_limit(groups)
        assert (found.total_bytes, found.source) == (psutil.virtual_memory().total, "the machine")
