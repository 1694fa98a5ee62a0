"""`tunesmith doctor`: what this machine has, how fast it multiplies, and what that suits."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.summary_text import summary_lines
from tunesmith.cli.verb import verb
from tunesmith.core.errors import EnvironmentProblem

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "pydantic", "polars", "pyarrow", "numpy", "peft")
GIB = 2**30
MATRIX = 1024
BENCH_S = 0.4
NEEDED_MEMORY_GIB = 4
NEEDED_DISK_GIB = 2


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(doctor)


def doctor(console: Console) -> Outcome:
    """Check the machine: versions, cores, memory, disk, speed; say what it suits. Exit code 5: something is missing."""
    import shutil

    import psutil
    import torch

    console.log("measuring the speed of matrix products...")
    gpu = torch.cuda.is_available()
    device = torch.device("cuda" if gpu else "cpu")
    fp32, bf16 = (gflops(device, dtype) for dtype in (torch.float32, torch.bfloat16))
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(Path.cwd())
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: package_version(name) for name in PACKAGES},
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "torch_threads": torch.get_num_threads(),
        "memory_gib": round(memory.total / GIB, 1),
        "memory_free_gib": round(memory.available / GIB, 1),
        "disk_free_gib": round(disk.free / GIB, 1),
        "device": torch.cuda.get_device_name(0) if gpu else "cpu",
        "gflops": {"fp32": round(fp32, 1), "bf16": round(bf16, 1)},
    }
    facts["precision"] = "bf16" if bf16 > 1.2 * fp32 else "fp32"
    facts["problems"] = problems(facts)
    facts["suits"] = suits(facts)
    return Outcome(
        summary=facts,
        lines=summary_lines(facts),
        next_command="tunesmith quickstart --out runs/quickstart",
        exit_code=EnvironmentProblem.exit_code if facts["problems"] else 0,
    )


def gflops(device: torch.device, dtype: torch.dtype) -> float:
    """Return 10^9 operations per second of a square matrix product, over about half a second."""
    import torch

    left, right = (torch.randn(MATRIX, MATRIX, device=device).to(dtype) for _ in range(2))
    left @ right  # the first product pays for the set-up
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < BENCH_S:
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        done += 1
    return done * 2 * MATRIX**3 / (time.perf_counter() - started) / 1e9


def problems(facts: dict[str, Any]) -> list[str]:
    """Return what is missing for the quick start, in words."""
    found = []
    if facts["memory_gib"] < NEEDED_MEMORY_GIB:
        found.append(f"{facts['memory_gib']} GiB of memory; {NEEDED_MEMORY_GIB} are needed")
    if facts["disk_free_gib"] < NEEDED_DISK_GIB:
        found.append(f"{facts['disk_free_gib']} GiB of free disk; {NEEDED_DISK_GIB} are needed")
    return found


def suits(facts: dict[str, Any]) -> str:
    """Return in words what the machine is good for; memory per parameter: 16 bytes to train all of them."""
    if facts["device"] != "cpu":
        return f"any model whose training state (16 bytes per parameter) fits {facts['device']}"
    millions = int(facts["memory_gib"] * GIB / 2 / 16 / 1e6)
    speed = "the quick start in minutes" if facts["gflops"]["fp32"] >= 40 else "the quick start, slowly"
    return f"{speed}; full training up to about {millions:,}M parameters by memory, {facts['precision']} is faster"


def package_version(package: str) -> str | None:
    """Return the installed version of a package, or None."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
