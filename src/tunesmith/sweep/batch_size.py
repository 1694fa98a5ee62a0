"""The largest `micro_batch_tokens` that fits: measured in child processes whose memory is watched and bounded.

Each probe trains two steps (the second holds the optimizer's moments) with micro-batches of twice as many tokens as the
one before, until the memory limit or a memory error; then the gap is halved a few times. What is reported as fitting
was measured. Only where the largest probe still fits is a larger size named, as extrapolated along a line through the
last probes.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.core.config import ENVIRONMENT_PREFIX, Strict, to_yaml
from tunesmith.core.errors import ConfigError, TunesmithError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.machine.memory import memory_limit
from tunesmith.sweep.cores import cores
from tunesmith.sweep.plan import with_values
from tunesmith.sweep.pool import read_answer
from tunesmith.sweep.process import PROGRAM, LocalChild, Order, child_environment, last_words
from tunesmith.train.durable import json_bytes, replace_file

STAGES = ("pretrain", "sft", "reward", "dpo")
STEPS = 2
FIRST = 1024
SHARE = 0.9  # of the memory that is free: the rest belongs to the system and to surprises
HALVINGS = 3
WATCH_S = 0.02
_MEMORY_ERRORS = ("can't allocate memory", "out of memory", "MemoryError", "bad_alloc", "not enough memory")


class Probe(NamedTuple):
    """One measured size: `tokens` in a step; `filled`: the micro-batch was really that large; `why` it did not fit."""

    micro_batch_tokens: int
    tokens: int
    peak_bytes: int
    fits: bool
    filled: bool
    seconds: float
    why: str


def run_batch_size(
    stage: str,
    config: Strict,
    out: Path,
    context: RunContext,
    *,
    limit_gib: float | None,
    largest: int,
    program: tuple[str, ...] = PROGRAM,
) -> RunResult:
    """Measure and write batch_size.json.

    Raises:
        ConfigError: the stage has no micro-batches of data (PPO and GRPO make theirs), or `out` is not empty.
        TunesmithError: not even the smallest size fits, or the stage fails for another reason.
    """
    if stage not in STAGES:
        why = "its memory is that of its roll-outs"
        raise ConfigError(f"{stage} cannot be measured so", where="STAGE", why=why, remedy=f"use {', '.join(STAGES)}")
    if out.exists() and any(out.iterdir()):
        raise ConfigError("is not empty", where=str(out), remedy="choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    limit = int(limit_gib * 2**30) if limit_gib else int(SHARE * memory_limit().free_bytes)
    prober = Prober(stage, config, out, context, limit, program)
    probes = search(prober.probe, largest)
    fitting = [p for p in probes if p.fits]
    if not fitting:
        raise TunesmithError("not even the smallest micro-batch fits", where=stage, why=probes[0].why)
    best = max(fitting, key=lambda p: p.micro_batch_tokens)
    summary: dict[str, Any] = {
        "micro_batch_tokens": best.micro_batch_tokens,
        "peak_gib": round(best.peak_bytes / 2**30, 3),
        "limit_gib": round(limit / 2**30, 3),
        "upper_limit_seen": not all(p.fits for p in probes),
        "probes": [p._asdict() for p in probes],
    }
    if summary["upper_limit_seen"] is False:
        summary["extrapolated_tokens"] = extrapolate(fitting, limit)
    replace_file(out / "batch_size.json", json_bytes(summary))
    return RunResult(
        out=out,
        summary=summary,
        artefacts={"results": str(out / "batch_size.json")},
        next_command=f"tunesmith train {stage} --set micro_batch_tokens={best.micro_batch_tokens} --out DIR",
    )


def search(probe: Any, largest: int) -> list[Probe]:
    """Return the probes in the order made: doubling until one does not fit or `largest`, then halving the gap."""
    probes: list[Probe] = []
    size = min(FIRST, largest)
    while True:
        probes.append(probe(size))
        last = probes[-1]
        if not last.fits or not last.filled or size >= largest:
            break
        size = min(2 * size, largest)
    if not probes[-1].fits and len(probes) > 1:
        low, high = probes[-2].micro_batch_tokens, probes[-1].micro_batch_tokens
        for _ in range(HALVINGS):
            middle = (low + high) // 2
            probes.append(probe(middle))
            low, high = (middle, high) if probes[-1].fits else (low, middle)
    return probes


def extrapolate(probes: Sequence[Probe], limit: int) -> int | None:
    """Return the size at which a line through the last two probes meets the limit; None where there is no line."""
    filled = [p for p in probes if p.filled]
    if len(filled) < 2:
        return None
    (a, b) = filled[-2:]
    slope = (b.peak_bytes - a.peak_bytes) / (b.micro_batch_tokens - a.micro_batch_tokens)
    return None if slope <= 0 else int(b.micro_batch_tokens + (limit - b.peak_bytes) / slope)


class Prober:
    """Runs probes; learns from each how many rows fill a micro-batch."""

    def __init__(
        self, stage: str, config: Strict, out: Path, context: RunContext, limit: int, program: tuple[str, ...]
    ) -> None:
        self.stage, self.config, self.out, self.context, self.limit, self.program = (
            stage,
            config,
            out,
            context,
            limit,
            program,
        )
        self._tokens_a_row = 0.0

    def probe(self, size: int) -> Probe:
        """Return what a size needs. The first probes also find out how long a row is."""
        rows = math.ceil(1.5 * size / self._tokens_a_row) if self._tokens_a_row else max(1, size // 64)
        found = self._measure(size, rows)
        if found.fits and not found.filled and self._tokens_a_row:
            rows = math.ceil(1.5 * size / self._tokens_a_row)
            found = self._measure(size, rows)
        if found.fits and not found.filled:
            self.context.log(f"{size:,} tokens: the data set is too small to fill a micro-batch of this size")
        return found

    def _measure(self, size: int, rows: int) -> Probe:
        name = f"probe-{size}-{rows}"
        values: Mapping[str, Any] = {
            "micro_batch_tokens": size,
            "global_batch_size": rows,
            "max_steps": STEPS,
            "validation_fraction": 0,
            "engine.validate_every": 0,
            "engine.early_stopping": None,
            "engine.checkpoint": {"every": 0},
            "engine.tensorboard": False,
        }
        file = self.out / f"{name}.yaml"
        replace_file(file, to_yaml(with_values(self.config, values)).encode())
        words = ("train", self.stage, "--config", str(file), "--out", str(self.out / name), "--json", "--quiet")
        environment = child_environment(self.context.environment, threads=cores(), prefix=ENVIRONMENT_PREFIX)
        # The kernel's limit is a second net: watching sees a sudden large block only after it was taken.
        order = Order(words, environment, self.out / f"{name}.log", self.program, data_limit=2 * self.limit)
        started = time.monotonic()
        child = LocalChild(order)
        over = watch(child, self.limit)
        found = self._judge(order, child, size, rows, over)._replace(seconds=time.monotonic() - started)
        state = "fits" if found.fits else found.why
        self.context.log(f"{size:,} tokens: {found.peak_bytes / 2**30:.2f} GiB, {state}")
        return found

    def _judge(self, order: Order, child: LocalChild, size: int, rows: int, over: bool) -> Probe:
        peak = child.peak_bytes or 0
        answer = read_answer(order)
        tokens = int(answer.get("tokens", 0)) // STEPS
        if child.poll() == 0:
            self._tokens_a_row = tokens / rows
            fits = peak <= self.limit
            return Probe(size, tokens, peak, fits, tokens >= size, 0.0, "" if fits else "over the limit")
        error = answer.get("error", {}).get("message", "") or last_words(order)
        if over or any(word.lower() in error.lower() for word in _MEMORY_ERRORS):
            return Probe(size, 0, peak, False, True, 0.0, "over the limit" if over else "memory error")
        raise TunesmithError("a probe failed for another reason than memory", where=str(order.log), why=error[:300])


def watch(child: LocalChild, limit: int) -> bool:
    """Wait for a child's end; kill it and return True when its resident size passes the limit."""
    over = False
    while child.poll() is None:
        if (child.peak_bytes or 0) > limit:
            over = True
            child.send(signal.SIGKILL)
        time.sleep(WATCH_S)
    return over
