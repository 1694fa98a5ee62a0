from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tunesmith.core.errors import CheckpointError
from tunesmith.train.checkpoint_folder import fault_of, fill, load_checkpoint
from tunesmith.train.durable import json_bytes, write_synced
from tunesmith.train.state_tree import equal


def test_round_trip_with_a_part_without_tensors(tmp_path: Path) -> None:
    tree = {"a": {"w": torch.arange(3), "n": [1, 2.5, None]}, "b": {}, "c": "text", "d": [torch.zeros(0), True]}
    fill(tmp_path, 7, tree, write=write_synced, point=lambda name: None)
    found = load_checkpoint(tmp_path)
    assert found.step == 7 and equal(found.tree, tree) and fault_of(tmp_path) is None
    assert sorted(json.loads((tmp_path / "manifest.json").read_text())["files"]) == [
        "a.safetensors",
        "d.safetensors",
        "state.json",
    ]


@pytest.mark.parametrize("content", ["{", "[]", "{}", "null", '{"sha256": "x"}'])
def test_a_manifest_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        load_checkpoint(tmp_path)


def test_a_future_format_is_named(tmp_path: Path) -> None:
    fill(tmp_path, 1, {"a": 1}, write=write_synced, point=lambda name: None)
    import hashlib

    body = {"format": 2, "step": 1, "files": {}}
    digest = hashlib.sha256(json_bytes(body)).hexdigest()
    (tmp_path / "manifest.json").write_bytes(json_bytes({**body, "sha256": digest}))
    assert fault_of(tmp_path) == "format 2 is not known"
