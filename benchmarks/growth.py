"""What more rows cost: supervised fine-tuning on files of 1,000, 10,000 and 100,000 chats.

Sizes take turns (A B C A B C), each run in a process of its own (`growth_run`): set-up is everything before the first
step (opening the model, reading, hashing, splitting, rendering, planning), and then every size does the same number of
steps of 32 rows, drawn from all of its rows. All chats come from one distribution; a smaller file is the beginning of a
larger one.

"Flat" can be said of steps: their tokens a second, and what they add to the memory after set-up. The memory after
set-up itself grows with the rows, because the recipe holds them all: their texts, from which the snapshot's hash and
the held-out split come, and their token ids and masks. So it is told in bytes a row: what the process of the larger
file takes more, over how many more rows it has. Freed memory stays with the process, as `tunesmith` tells glibc; what
set-up needed for a moment therefore counts.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import workload
from benchmarks.chat_model import write_model
from benchmarks.contest import ROOT
from benchmarks.growth_run import Run
from tunesmith.desk import documents

WARM_UP_STEPS = 10
MIB = 2**20


def write_chats(path: Path, rows: int) -> None:
    """Write question and answer as JSON lines: words of the desk's documents at random, as many as the workload says.

    Words come as often as there, so that most are one token.
    """
    vocabulary = np.array([word for d in documents(200_000, seed=0) for word in d.text.split()])
    asked = workload.lengths(rows, low=20, high=200, median=65, seed=0)
    answered = workload.lengths(rows, low=10, high=150, median=50, seed=1)
    generator = np.random.default_rng(2)
    with path.open("w", encoding="utf-8") as file:
        for question, answer in zip(asked, answered, strict=True):
            texts = [" ".join(vocabulary[generator.integers(len(vocabulary), size=n)]) for n in (question, answer)]
            roles = zip(("user", "assistant"), texts, strict=True)
            file.write(json.dumps({"messages": [{"role": r, "content": t} for r, t in roles]}) + "\n")


def run_once(model: Path, data: Path, *, steps: int, bf16: bool) -> Run:
    """Train in a new process.

    Raises:
        RuntimeError: the run failed.
    """
    settings = {"model": str(model), "data": str(data), "warm_up": WARM_UP_STEPS, "steps": steps, "bf16": bf16}
    command = [sys.executable, "-m", "benchmarks.growth_run", json.dumps(settings)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-12:])
        raise RuntimeError(f"the run on {data.name} ended with {done.returncode}:\n{tail}")
    return Run(**json.loads(done.stdout))


def measure(examples: Sequence[int], size: str, *, rounds: int, steps: int, bf16: bool) -> dict[int, list[Run]]:
    """Return the runs of each number of rows, over `rounds` alternations."""
    found: dict[int, list[Run]] = {rows: [] for rows in examples}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "model", size)
        for rows in examples:
            write_chats(folder / f"{rows}.jsonl", rows)
        for number in range(rounds):
            for rows in examples:
                run = run_once(folder / "model", folder / f"{rows}.jsonl", steps=steps, bf16=bf16)
                found[rows].append(run)
                said = f"{run.rate:,.0f} tokens/s, set-up {run.setup_s:.1f} s, peak {run.bytes_peak / MIB:,.0f} MiB"
                print(f"  round {number + 1}: {rows:,} rows {said}", file=sys.stderr, flush=True)
    return found


def summary(found: dict[int, list[Run]]) -> dict[int, dict[str, float]]:
    """Return each size's figures: medians of time and the highest of memory; ratios and growth to the smallest size."""
    least = min(found)
    bodies = {}
    for rows, runs in found.items():
        rates = [run.rate for run in runs]
        body: dict[str, float] = {"median": statistics.median(rates), "low": min(rates), "high": max(rates)}
        body["setup_s"] = statistics.median(run.setup_s for run in runs)
        body["setup_s_per_1000"] = 1000 * body["setup_s"] / rows
        body["bytes_after_setup"] = max(run.bytes_after_setup for run in runs)
        body["bytes_peak"] = max(run.bytes_peak for run in runs)
        body["bytes_of_steps"] = body["bytes_peak"] - body["bytes_after_setup"]
        bodies[rows] = body
    smallest = bodies[least]
    for rows, body in bodies.items():
        for name in ("median", "setup_s_per_1000", "bytes_after_setup", "bytes_peak"):
            body[f"{name}_ratio"] = body[name] / smallest[name]
        if rows > least:
            more = body["bytes_after_setup"] - smallest["bytes_after_setup"]
            body["bytes_per_row"] = more / (rows - least)
    return bodies


def table(bodies: dict[int, dict[str, float]]) -> list[str]:
    """Return the figures as lines of text; `x` columns are ratios to the smallest size."""
    head = ("rows", "tokens/s", "lowest", "highest", "x", "set-up s", "s/1,000", "x")
    head = (*head, "MiB after", "x", "peak MiB", "x", "bytes/row")
    lines = ["".join(f"{word:>10}" for word in head)]
    for rows, b in bodies.items():
        cells = [
            f"{rows:,}",
            f"{b['median']:,.0f}",
            f"{b['low']:,.0f}",
            f"{b['high']:,.0f}",
            f"{b['median_ratio']:.2f}",
        ]
        cells += [f"{b['setup_s']:.1f}", f"{b['setup_s_per_1000']:.2f}", f"{b['setup_s_per_1000_ratio']:.2f}"]
        for name in ("bytes_after_setup", "bytes_peak"):
            cells += [f"{b[name] / MIB:,.0f}", f"{b[name + '_ratio']:.2f}"]
        cells.append(f"{b['bytes_per_row']:,.0f}" if "bytes_per_row" in b else "")
        lines.append("".join(f"{cell:>10}" for cell in cells))
    return lines


def report(found: dict[int, list[Run]]) -> dict[str, Any]:
    """Print the table to standard error and return everything."""
    bodies = summary(found)
    print("\n".join(table(bodies)), file=sys.stderr)
    return {"rows": {str(n): {**b, "runs": [run._asdict() for run in found[n]]} for n, b in bodies.items()}}
