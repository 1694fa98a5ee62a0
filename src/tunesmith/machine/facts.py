"""What the machine has: versions, processor, memory, accelerators, disk, ports, permissions. Nothing is judged here."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sqlite3
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from tunesmith.core.processor import cpu_flags
from tunesmith.machine.memory import memory_limit
from tunesmith.native.library import native
from tunesmith.store.database import default_journal

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "pydantic",
    "polars",
    "pyarrow",
    "numpy",
    "optuna",
    "fastapi",
    "uvicorn",
    "peft",
    "ray",
    "psycopg",
)
GIB = 2**30
MATRIX = 1024
BENCH_S = 0.4
PORTS = {"label serve": 8765}


def facts() -> dict[str, Any]:
    """Return everything by name; about a second, most of it for the speed of matrix products."""
    memory, disk = memory_limit(), shutil.disk_usage(Path.cwd())
    gpu = torch.cuda.is_available()
    device = torch.device("cuda" if gpu else "cpu")
    kernels = native()
    fp32, bf16 = (gflops(device, dtype) for dtype in (torch.float32, torch.bfloat16))
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: package_version(name) for name in PACKAGES},
        "cpu": {"capability": torch.backends.cpu.get_cpu_capability(), "flags": cpu_flags()},
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "torch_threads": torch.get_num_threads(),
        "memory_gib": round(memory.total_bytes / GIB, 1),
        "memory_free_gib": round(memory.free_bytes / GIB, 1),
        "memory_limit_by": memory.source,
        "disk_free_gib": round(disk.free / GIB, 1),
        "gpus": [gpu_facts(i) for i in range(torch.cuda.device_count())] if gpu else [],
        "device": torch.cuda.get_device_name(0) if gpu else "cpu",
        "gflops": {"fp32": round(fp32, 1), "bf16": round(bf16, 1)},
        "kernels": {"built": kernels.library is not None, "where": kernels.why},
        "precision": "bf16" if bf16 > 1.2 * fp32 else "fp32",
        "sqlite": {"version": sqlite3.sqlite_version, "journal": default_journal(sqlite3.sqlite_version_info)},
        "ports": {name: {"port": port, "free": port_free(port)} for name, port in PORTS.items()},
        "writable": {name: writable(path) for name, path in (("here", Path.cwd()), ("temporary", temporary()))},
    }


def gflops(device: torch.device, dtype: torch.dtype) -> float:
    """Return 10^9 operations per second of a square matrix product, over about half a second."""
    left, right = (torch.randn(MATRIX, MATRIX, device=device).to(dtype) for _ in range(2))
    left @ right  # the first product pays for the set-up
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < BENCH_S:
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        done += 1
    return done * 2 * MATRIX**3 / (time.perf_counter() - started) / 1e9


def gpu_facts(index: int) -> dict[str, Any]:
    """Return one accelerator's name, memory and generation."""
    properties = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    capability = f"{properties.major}.{properties.minor}"
    sizes = {"memory_gib": round(total / GIB, 1), "memory_free_gib": round(free / GIB, 1)}
    return {"name": properties.name, **sizes, "capability": capability}


def port_free(port: int) -> bool:
    """Tell whether a server of this machine could listen on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def temporary() -> Path:
    """Return the folder for temporary files."""
    return Path(tempfile.gettempdir())


def writable(folder: Path) -> bool:
    """Tell whether a file can be made in a folder, by making one."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def package_version(package: str) -> str | None:
    """Return the installed version of a package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
