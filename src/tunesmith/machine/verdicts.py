"""What the facts mean: red findings stop the work, yellow ones cost time; each says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from tunesmith.machine.sizes import largest

Level = Literal["red", "yellow"]
GIB = 2**30
NEEDED_MEMORY_GIB = 4
NEEDED_DISK_GIB = 2
SLOW_GFLOPS = 40
LOWEST = {"torch": (2, 11), "transformers": (5, 0)}


class Finding(NamedTuple):
    """One thing that is not as it should be, and the remedy."""

    level: Level
    what: str
    remedy: str


def findings(facts: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong, red first."""
    found = [*_room(facts), *_packages(facts), *_places(facts), *_slow(facts)]
    return sorted(found, key=lambda finding: finding.level != "red")


def _room(facts: Mapping[str, Any]) -> Iterator[Finding]:
    if facts["memory_gib"] < NEEDED_MEMORY_GIB:
        what = f"{facts['memory_gib']} GiB of memory ({facts['memory_limit_by']}); {NEEDED_MEMORY_GIB} are needed"
        yield Finding("red", what, "use a larger machine, or raise the container's limit")
    elif facts["memory_free_gib"] < NEEDED_MEMORY_GIB / 2:
        yield Finding("yellow", f"only {facts['memory_free_gib']} GiB of memory are free", "close other programs")
    if facts["disk_free_gib"] < NEEDED_DISK_GIB:
        what = f"{facts['disk_free_gib']} GiB of free disk; {NEEDED_DISK_GIB} are needed"
        yield Finding("red", what, "free some, or give --out on another disk")


def _packages(facts: Mapping[str, Any]) -> Iterator[Finding]:
    for name, lowest in LOWEST.items():
        have = facts["packages"].get(name)
        if have is None:
            yield Finding("red", f"{name} is not installed", f"pip install '{name}>={'.'.join(map(str, lowest))}'")
        elif _numbers(have) < lowest:
            wanted = ".".join(map(str, lowest))
            yield Finding("red", f"{name} {have} is older than {wanted}", f"pip install -U '{name}>={wanted}'")
    if facts["packages"].get("peft") is None:
        yield Finding("yellow", "LoRA is not available: peft is not installed", "pip install 'tunesmith[lora]'")


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split("+")[0].split(".")[:2]
    return tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in parts)


def _places(facts: Mapping[str, Any]) -> Iterator[Finding]:
    for name, free in facts["writable"].items():
        if not free:
            remedy = "change its permissions, or work in another folder"
            yield Finding(
                "red", f"nothing can be written {name if name == 'here' else 'to the temporary folder'}", remedy
            )
    for verb, port in facts["ports"].items():
        if not port["free"]:
            what = f"port {port['port']} of `{verb}` is taken"
            yield Finding("yellow", what, f"end what listens there, or give --port to `{verb}`")
    if facts["sqlite"]["journal"] != "wal":
        what = (
            f"SQLite {facts['sqlite']['version']} has the WAL-reset bug: labels use the slower rollback journal (safe)"
        )
        yield Finding(
            "yellow", what, "nothing to do; SQLite 3.51.3 or newer, or PostgreSQL, is faster with many labelers"
        )


def _slow(facts: Mapping[str, Any]) -> Iterator[Finding]:
    if facts["device"] != "cpu":
        return
    if facts["gflops"]["fp32"] < SLOW_GFLOPS:
        what = f"{facts['gflops']['fp32']} Gflop/s: the quick start takes long here"
        yield Finding("yellow", what, "end other programs, or use a machine with more cores")
    if facts["torch_threads"] > facts["cores"]:
        what = f"torch uses {facts['torch_threads']} threads on {facts['cores']} cores"
        yield Finding("yellow", what, f"set OMP_NUM_THREADS={facts['cores']}")
    if not facts["kernels"]["built"]:
        what = f"without the native kernels, training and sampling are slower: {facts['kernels']['where']}"
        yield Finding("yellow", what, "install a C++ compiler (on Debian and Ubuntu: apt install g++)")
    flags = facts["cpu"]["flags"]
    if flags is not None and facts["gflops"]["bf16"] < facts["gflops"]["fp32"] and "amx_bf16" not in flags:
        what = "bf16 is slower than fp32 here (no AMX)"
        yield Finding("yellow", what, "leave precision at fp32, the default")


def suits(facts: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the largest usual model size for full training, LoRA and serving in what is free; None: none of them."""
    gpus = facts["gpus"]
    free = (gpus[0]["memory_free_gib"] if gpus else facts["memory_free_gib"]) * GIB
    found = {
        "full_training": largest("full", free),
        "lora": largest("lora", free),
        "serving": largest("serve", free),
    }
    return {use: None if shape is None else shape.name for use, shape in found.items()}
