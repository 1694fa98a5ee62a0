from __future__ import annotations

import json
from pathlib import Path

from tunesmith.cli.record_files import place, write_quarantine
from tunesmith.formats import Quarantined

ROW = Quarantined("a.jsonl", 7, "output", "must be text", '{"output": 3}')


def test_place_is_file_line_field_reason() -> None:
    assert place(ROW) == "a.jsonl:7:output: must be text"
    assert place(ROW._replace(field="")) == "a.jsonl:7: must be text"


def test_an_older_quarantine_file_does_not_outlive_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    write_quarantine([ROW], path)
    assert json.loads(path.read_text()) == ROW._asdict()
    write_quarantine([], path)
    assert not path.exists()
    write_quarantine([], path)
