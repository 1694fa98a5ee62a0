from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.checks.leakage import LeakageConfig
from tunesmith.checks.references import read_reference
from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Document
from tunesmith.store import freeze


def test_files_and_snapshots_become_one_index(tmp_path: Path) -> None:
    file = tmp_path / "test.jsonl"
    file.write_text(json.dumps({"instruction": "Who wrote the letter?", "input": "", "output": "Ann."}) + "\n")
    freeze([Document(text="A ship came in at night.")], tmp_path / "snap")
    reference = read_reference([file, tmp_path / "snap"], LeakageConfig())
    assert reference.places == (f"{file}:1", f"{tmp_path / 'snap'}:1")
    assert reference.skipped == 0


def test_a_missing_file_and_one_without_texts_are_named(tmp_path: Path) -> None:
    good = tmp_path / "good.jsonl"
    good.write_text(json.dumps({"instruction": "Who wrote the letter?", "input": "", "output": "Ann."}) + "\n")
    short = tmp_path / "short.jsonl"
    short.write_text(json.dumps({"instruction": "Who?", "input": "", "output": "Ann."}) + "\n")
    with pytest.raises(ConfigError, match="missing"):
        read_reference([good, tmp_path / "missing.jsonl"], LeakageConfig())
    with pytest.raises(DataError, match=r"gives no text.*none of its 1 texts has 4 words") as caught:
        read_reference([good, short], LeakageConfig())
    assert caught.value.where == f"--against {short}"
