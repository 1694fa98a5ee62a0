from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.recipes.ppo import Config as PPOConfig
from tunesmith.recipes.sft import Config
from tunesmith.sweep.batch_size import Probe, extrapolate, run_batch_size, search

# 40 MiB and 20 kB a token; a token is a byte here, a row has 64 of them.
HUNGRY = """
import json, sys, yaml
config = yaml.safe_load(open(sys.argv[sys.argv.index("--config") + 1]))
block = bytearray(b"x") * (20_000 * config["micro_batch_tokens"])
import time; time.sleep(0.1)
print(json.dumps({"tokens": 2 * 64 * config["global_batch_size"]}))
"""


def probe_of(fits_below: int) -> object:
    return lambda size: Probe(size, size, 1000 + 10 * size, size <= fits_below, True, 0.0, "")


def test_doubling_then_halving_the_gap() -> None:
    sizes = [p.micro_batch_tokens for p in search(probe_of(5000), 65536)]
    assert sizes == [1024, 2048, 4096, 8192, 6144, 5120, 4608]
    assert [p.micro_batch_tokens for p in search(probe_of(10**9), 4096)] == [1024, 2048, 4096]
    assert [p.micro_batch_tokens for p in search(probe_of(0), 4096)] == [1024]


def test_a_line_through_the_last_two() -> None:
    probes = [Probe(n, n, 1000 + 10 * n, True, True, 0.0, "") for n in (100, 200, 400)]
    assert extrapolate(probes, 1000 + 10 * 777) == 777
    assert extrapolate(probes[:1], 10**6) is None


def test_a_hungry_program_is_stopped_at_the_limit(tmp_path: Path) -> None:
    program = tmp_path / "hungry.py"
    program.write_text(HUNGRY)
    context = RunContext(environment=os.environ)
    out = tmp_path / "out"
    found = run_batch_size(
        "sft", Config(), out, context, limit_gib=0.1, largest=65536, program=(sys.executable, str(program))
    ).summary
    assert found["upper_limit_seen"] and 2048 <= found["micro_batch_tokens"] < 5000
    assert found["peak_gib"] <= 0.1
    assert all(p["peak_bytes"] < 0.4 * 2**30 for p in found["probes"])
    assert (out / "batch_size.json").exists()


def test_a_stage_without_micro_batches_of_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ppo cannot be measured so"):
        run_batch_size("ppo", PPOConfig(), tmp_path, RunContext(), limit_gib=1, largest=10)
