from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tunesmith.core.errors import CheckpointError, EnvironmentProblem
from tunesmith.train.checkpoint import CheckpointManager
from tunesmith.train.checkpoint_folder import fault_of, load_checkpoint
from tunesmith.train.durable import write_synced
from tunesmith.train.state_tree import equal


def tree(step: int) -> dict[str, Any]:
    return {"modules": {"w": torch.full((64,), float(step))}, "source": {"position": torch.tensor(step)}, "step": step}


class Crash(BaseException):
    """Not an Exception: like a kill, nothing may catch it."""


class Points:
    """Remembers the points passed and crashes at the one asked for."""

    def __init__(self, crash_at: int = -1) -> None:
        self.names: list[str] = []
        self._crash_at = crash_at

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) - 1 == self._crash_at:
            raise Crash(name)


def filled(directory: Path, *steps: int, **more: Any) -> CheckpointManager:
    manager = CheckpointManager(directory, **more)
    for step in steps:
        assert manager.save(step, tree(step)) == manager.path_of(step)
    return manager


def test_saves_and_finds_the_newest(tmp_path: Path) -> None:
    manager = filled(tmp_path / "c", 10, 20, 30)
    found = manager.latest_valid()
    assert found is not None and found.step == 30 and equal(found.tree, tree(30))
    assert manager.steps() == [30, 20]
    assert (tmp_path / "c" / "LATEST").read_text() == "step-000030\n"
    assert sorted(p.name for p in found.path.iterdir()) == [
        "manifest.json",
        "modules.safetensors",
        "source.safetensors",
        "state.json",
    ]


def test_every_file_and_both_folders_are_synced_in_order(tmp_path: Path, synced: list[str]) -> None:
    filled(tmp_path / "c", 1)
    temporary = f"step-000001.tmp-{os.getpid()}"
    files = ["modules.safetensors", "source.safetensors", "state.json", "manifest.json"]
    if synced[0]:  # where the system tells a descriptor's name
        assert synced == [*files, temporary, "c", f"LATEST.tmp-{os.getpid()}", "c"]
    assert len(synced) == 8


def test_nothing_saved_is_not_an_error(tmp_path: Path) -> None:
    assert CheckpointManager(tmp_path / "none").latest_valid() is None


def test_no_file_is_a_pickle(tmp_path: Path) -> None:
    manager = filled(tmp_path, 1)
    for path in manager.path_of(1).iterdir():
        data = path.read_bytes()
        json.loads(data if path.suffix == ".json" else data[8 : 8 + int.from_bytes(data[:8], "little")])


def test_rotation_spares_the_best_and_never_goes_below_two_valid(tmp_path: Path) -> None:
    manager = CheckpointManager(tmp_path, keep_last=1)
    for step in range(1, 6):
        manager.save(step, tree(step), best=2 if step >= 2 else None)
    assert manager.steps() == [5, 4, 2]
    flip(manager.path_of(4) / "modules.safetensors")
    manager.save(6, tree(6), best=None)
    assert [s for s in manager.steps() if fault_of(manager.path_of(s)) is None] == [6, 5]
    flip(manager.path_of(6) / "state.json")
    manager.save(7, tree(7))
    assert [s for s in manager.steps() if fault_of(manager.path_of(s)) is None] == [7, 5]


def all_points() -> list[str]:
    """The points of three saves; the third removes the first."""
    saves = ["folder made"]
    for name in ("modules.safetensors", "source.safetensors", "state.json", "manifest.json"):
        saves += [f"before {name}", f"after {name}"]
    saves += ["folder synced", "renamed", "parent synced", "after LATEST"]
    removal = ["before removing step-000001", "renamed for removal"]
    return [*saves, "rotated"] * 2 + [*saves, *removal, "rotated"]


def test_the_points_are_these(tmp_path: Path) -> None:
    points = Points()
    filled(tmp_path, 1, 2, 3, on_point=points)
    assert points.names == all_points() and len(set(points.names)) >= 14


@pytest.mark.parametrize("crash_at", range(len(all_points())))
def test_t_res_2_crash_at_every_point(tmp_path: Path, crash_at: int) -> None:
    """T-RES-2: after a crash at any point the newest complete checkpoint is found, whole, and no litter stays."""
    points = Points(crash_at)
    with pytest.raises(Crash):
        filled(tmp_path, 1, 2, 3, on_point=points)
    said: list[str] = []
    manager = CheckpointManager(tmp_path, say=said.append)
    manager.remove_temporary()
    renamed = points.names.count("renamed")  # the checkpoints that were complete when it crashed
    found = manager.latest_valid()
    assert (found.step if found else 0) == renamed
    assert found is None or equal(found.tree, tree(renamed))
    assert said == [] and not list(tmp_path.glob("*tmp*"))
    assert all(fault_of(manager.path_of(step)) is None for step in manager.steps())
    assert manager.save(9, tree(9)) is not None


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def exchange(path: Path) -> None:
    """Put the other checkpoint's file in its place; the other stays valid, to fall back on."""
    path.write_bytes((path.parent.with_name("step-000001") / path.name).read_bytes())


@pytest.mark.parametrize("name", ["modules.safetensors", "source.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", [flip, halve, empty, Path.unlink, exchange])
def test_t_res_2_every_damage_is_found(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    """T-RES-2: each file, five ways: falls back one checkpoint and says which file."""
    said: list[str] = []
    manager = filled(tmp_path, 1, 2, say=said.append)
    damage(manager.path_of(2) / name)
    found = manager.latest_valid()
    assert found is not None and found.step == 1 and equal(found.tree, tree(1))
    assert name in said[0] and "step-000002" in said[0] and "falling back to checkpoint step-000001" in said[1]


def test_every_single_bit_of_a_manifest_matters(tmp_path: Path) -> None:
    manager = filled(tmp_path, 1)
    path = manager.path_of(1) / "manifest.json"
    original = path.read_bytes()
    for position in range(0, len(original), 7):
        path.write_bytes(original[:position] + bytes([original[position] ^ 2]) + original[position + 1 :])
        assert fault_of(path.parent) is not None, original[position]


def test_none_valid_stops(tmp_path: Path) -> None:
    manager = filled(tmp_path, 1, 2)
    for step in (1, 2):
        flip(manager.path_of(step) / "modules.safetensors")
    with pytest.raises(CheckpointError, match=r"step-000002 .*modules\.safetensors: SHA-256.*step-000001") as caught:
        manager.latest_valid()
    assert caught.value.exit_code == 5


def test_latest_pointing_nowhere_stops_or_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    manager = filled(tmp_path, 1, 2, say=said.append)
    shutil.rmtree(manager.path_of(2))
    found = manager.latest_valid()
    assert found is not None and found.step == 1 and "step-000002" in said[0]
    shutil.rmtree(manager.path_of(1))
    with pytest.raises(CheckpointError, match="step-000002, which LATEST names, is missing"):
        manager.latest_valid()


def test_a_damaged_checkpoint_is_replaced_by_the_same_step(tmp_path: Path) -> None:
    manager = filled(tmp_path, 1, 2, say=lambda text: None)
    flip(manager.path_of(2) / "modules.safetensors")
    manager.save(2, tree(2))
    found = manager.latest_valid()
    assert found is not None and found.step == 2


def test_a_valid_one_of_the_same_step_is_kept(tmp_path: Path) -> None:
    points = Points()
    manager = filled(tmp_path, 1)
    again = CheckpointManager(tmp_path, on_point=points)
    assert again.save(1, tree(1)) == manager.path_of(1) and points.names == []


def test_preflight_names_bytes(tmp_path: Path) -> None:
    def with_free(free: int, directory: Path = tmp_path) -> CheckpointManager:
        return CheckpointManager(directory, free_bytes=lambda path: free)

    with_free(3300).preflight(1000)
    with pytest.raises(EnvironmentProblem, match="3300 bytes needed, 3299 free"):
        with_free(3299).preflight(1000)
    with pytest.raises(EnvironmentProblem, match="4400 bytes needed"):
        with_free(3300).preflight(1000, best=True)
    filled(tmp_path / "c", 1, 2)
    with_free(1100, tmp_path / "c").preflight(1000)
    with pytest.raises(EnvironmentProblem, match="1100 bytes needed"):
        with_free(1099, tmp_path / "c").preflight(1000)


class FullDisk:
    """Writes half of the `n`-th file of every save while `full`, then fails as a full disk does."""

    def __init__(self, n: int) -> None:
        self.n, self.full, self.count = n, False, 0

    def __call__(self, path: Path, data: bytes) -> None:
        self.count += 1
        if self.full and self.count == self.n:
            path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write_synced(path, data)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_full_disk_at_every_write_keeps_the_old(tmp_path: Path, n: int) -> None:
    said: list[str] = []
    disk = FullDisk(n)
    manager = filled(tmp_path, 1, write=disk, say=said.append)
    disk.full, disk.count = True, 0
    saved = manager.save(2, tree(2))
    assert (saved is None) == (n < 5)  # the fifth write is LATEST: the checkpoint itself is complete then
    assert "No space left" in said[0] and "bytes free" in said[0] and not list(tmp_path.glob("*tmp*"))
    found = manager.latest_valid()
    assert found is not None and found.step == (1 if n < 5 else 2) and equal(found.tree, tree(found.step))
    disk.full = False
    assert manager.save(3, tree(3)) is not None


def test_third_failure_in_a_row_stops(tmp_path: Path) -> None:
    disk = FullDisk(2)
    manager = filled(tmp_path, 1, write=disk, say=lambda text: None)
    disk.full = True
    for step in (2, 3):
        disk.count = 0
        assert manager.save(step, tree(step)) is None
    disk.count = 0
    with pytest.raises(EnvironmentProblem, match="3 failures in a row"):
        manager.save(4, tree(4))
    assert manager.steps() == [1]


def test_a_success_between_failures_starts_the_count_again(tmp_path: Path) -> None:
    disk = FullDisk(1)
    manager = CheckpointManager(tmp_path, write=disk, say=lambda text: None)
    for step in range(1, 9):
        disk.full, disk.count = step % 3 != 0, 0
        assert (manager.save(step, tree(step)) is None) == disk.full


def test_set_aside_keeps_the_bytes(tmp_path: Path) -> None:
    said: list[str] = []
    manager = filled(tmp_path, 1, 2, say=said.append)
    manager.set_aside_after(1)
    assert manager.steps() == [1] and len(list(tmp_path.glob("step-000002.abandoned-*/manifest.json"))) == 1
    assert "abandoned" in said[0]


def test_a_copy_under_another_name_loads_but_not_under_another_step(tmp_path: Path) -> None:
    manager = filled(tmp_path, 1)
    shutil.copytree(manager.path_of(1), tmp_path / "kept")
    assert load_checkpoint(tmp_path / "kept").step == 1
    shutil.copytree(manager.path_of(1), tmp_path / "step-000005")
    with pytest.raises(CheckpointError, match="is of step 1"):
        load_checkpoint(tmp_path / "step-000005")
