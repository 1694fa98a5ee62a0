"""`data check --engine ray`: the same findings, byte for byte, as on this machine alone."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.test_nothing_lost import plant


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_the_findings_are_those_of_one_machine(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    plant(path, 5000, 300)  # three chunks
    findings = []
    for engine in ("local", "ray"):
        out = tmp_path / engine
        words = [sys.executable, "-m", "tunesmith", "data", "check", str(path), "--out", str(out), "--engine", engine]
        ran = subprocess.run([*words, "--fail-on", "never"], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert json.loads((out / "summary.json").read_text())["bad_rows"] == 300
        findings.append((out / "findings.jsonl").read_bytes())
    assert findings[0] == findings[1]
    assert len(findings[0].splitlines()) > 300
