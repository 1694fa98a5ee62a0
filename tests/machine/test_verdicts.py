from __future__ import annotations

from typing import Any

import pytest

from tunesmith.machine.verdicts import findings, suits

GOOD: dict[str, Any] = {
    "memory_gib": 16.0,
    "memory_free_gib": 12.0,
    "memory_limit_by": "the machine",
    "disk_free_gib": 50.0,
    "device": "cpu",
    "gpus": [],
    "cores": 4,
    "torch_threads": 4,
    "cpu": {"flags": ["avx2", "amx_bf16"]},
    "gflops": {"fp32": 60.0, "bf16": 120.0},
    "kernels": {"built": True, "where": "kernels.so"},
    "packages": {"torch": "2.13.0+cpu", "transformers": "5.1.0", "peft": "0.18"},
    "sqlite": {"version": "3.51.3", "journal": "wal"},
    "ports": {"label serve": {"port": 8765, "free": True}},
    "writable": {"here": True, "temporary": True},
}


def test_a_good_machine_has_no_findings() -> None:
    assert findings(GOOD) == []


@pytest.mark.parametrize(
    ("change", "level", "says"),
    [
        ({"memory_gib": 2.0}, "red", "2.0 GiB of memory"),
        ({"memory_free_gib": 1.0}, "yellow", "only 1.0 GiB of memory are free"),
        ({"disk_free_gib": 0.5}, "red", "0.5 GiB of free disk; 2 are needed"),
        ({"packages": {**GOOD["packages"], "torch": "2.9.1"}}, "red", "torch 2.9.1 is older than 2.11"),
        ({"packages": {**GOOD["packages"], "transformers": None}}, "red", "transformers is not installed"),
        ({"packages": {**GOOD["packages"], "peft": None}}, "yellow", "LoRA is not available"),
        ({"writable": {"here": False, "temporary": True}}, "red", "nothing can be written here"),
        ({"ports": {"label serve": {"port": 8765, "free": False}}}, "yellow", "port 8765 of `label serve` is taken"),
        ({"sqlite": {"version": "3.40.1", "journal": "truncate"}}, "yellow", "WAL-reset bug"),
        ({"gflops": {"fp32": 5.0, "bf16": 9.0}}, "yellow", "5.0 Gflop/s"),
        ({"kernels": {"built": False, "where": "there is no C++ compiler"}}, "yellow", "there is no C++ compiler"),
        ({"torch_threads": 8}, "yellow", "8 threads on 4 cores"),
    ],
)
def test_what_is_wrong_has_a_level_and_a_remedy(change: dict[str, Any], level: str, says: str) -> None:
    [finding] = findings(GOOD | change)
    assert finding.level == level and says in finding.what and finding.remedy


def test_red_comes_first() -> None:
    assert [f.level for f in findings(GOOD | {"torch_threads": 8, "disk_free_gib": 0.1})] == ["red", "yellow"]


def test_fits_by_what_is_free_and_the_gpu_counts_where_there_is_one() -> None:
    small = suits(GOOD | {"memory_free_gib": 1.0})
    assert small == {"full_training": None, "lora": None, "serving": "30M"}
    gpu = {"name": "some", "memory_free_gib": 130.0}
    assert suits(GOOD | {"gpus": [gpu], "device": "some"})["full_training"] == "3B"
