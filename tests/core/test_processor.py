from __future__ import annotations

from pathlib import Path

from tunesmith.core.processor import cpu_flags


def test_flags_that_matter(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor: 0\nflags\t\t: fpu avx2 amx_tile sse\n")
    assert cpu_flags(tmp_path / "cpuinfo") == ["avx2", "amx_tile"]
    assert cpu_flags(tmp_path / "absent") is None
