from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked to be on disk, in order; only a power cut could tell the difference, and waiting takes minutes."""
    names: list[str] = []

    def record(descriptor: int) -> None:
        path = f"/proc/self/fd/{descriptor}"
        names.append(os.path.basename(os.readlink(path)) if os.path.exists(path) else "")

    monkeypatch.setattr(os, "fsync", record)
    return names
