from __future__ import annotations

from typing import Any

from tunesmith.cli.doctor import package_version, problems, suits

from .shell import Shell

GOOD: dict[str, Any] = {
    "memory_gib": 16.0,
    "disk_free_gib": 50.0,
    "device": "cpu",
    "gflops": {"fp32": 60.0, "bf16": 20.0},
    "precision": "fp32",
}


def test_reports_facts_of_this_machine(shell: Shell) -> None:
    ran = shell("doctor", "--json")
    body = ran.json
    assert body["cores"] >= 1 and body["gflops"]["fp32"] > 0 and body["packages"]["torch"]
    assert ran.code == (5 if body["problems"] else 0)
    assert body["next"].startswith("tunesmith quickstart")


def test_problems_are_named() -> None:
    assert problems(GOOD) == []
    assert problems(GOOD | {"memory_gib": 2.0}) == ["2.0 GiB of memory; 4 are needed"]
    assert problems(GOOD | {"disk_free_gib": 0.5}) == ["0.5 GiB of free disk; 2 are needed"]


def test_says_what_the_machine_suits() -> None:
    assert suits(GOOD).startswith("the quick start in minutes; full training up to about 536M parameters")
    assert "slowly" in suits(GOOD | {"gflops": {"fp32": 5.0, "bf16": 5.0}})
    assert "fits Some GPU" in suits(GOOD | {"device": "Some GPU"})


def test_an_absent_package_has_no_version() -> None:
    assert package_version("no-such-package-at-all") is None
