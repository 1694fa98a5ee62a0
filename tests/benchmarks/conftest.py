"""The benchmarks know one more size in tests."""

from __future__ import annotations

import pytest

from benchmarks import workload

TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "vocab_size": 64,
}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a size whose model trains in moments."""
    monkeypatch.setitem(workload.SHAPES, "tiny", TINY)
    return "tiny"
