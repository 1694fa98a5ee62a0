"""What the processor can do."""

from __future__ import annotations

from pathlib import Path

FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16")


def features(source: Path = Path("/proc/cpuinfo")) -> str | None:
    """Return the line of what the first core can do, "" where there is none; None where the system does not tell."""
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def cpu_flags(source: Path = Path("/proc/cpuinfo")) -> list[str] | None:
    """Return the vector and matrix instructions that matter here; None where the system does not tell."""
    line = features(source)
    if line is None:
        return None
    have = set(line.partition(":")[2].split())
    return [flag for flag in FLAGS if flag in have]
