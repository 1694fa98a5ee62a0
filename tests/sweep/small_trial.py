"""A program that takes `train STAGE --config F --out DIR` and behaves as the configuration's `model` says.

It stands in for tunesmith where a test needs dozens of processes: it starts in milliseconds, writes the same files,
saves a "checkpoint" after every step, resumes from it, stops after the step at SIGTERM, and dies in the ways that real
ones do. The loss after step s is 1 / s + |log10(learning_rate) + 3|; `ptx_share` is how many seconds a step takes.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import yaml

stopped = False


def main(words: list[str]) -> int:
    config = yaml.safe_load(Path(words[words.index("--config") + 1]).read_text())
    out = Path(words[words.index("--out") + 1])
    out.mkdir(parents=True, exist_ok=True)
    rate, steps = float(config["engine"]["optimizer"]["learning_rate"]), config["max_steps"] or 4
    if (out / "once").exists() is False and config["model"] == "dies-once":
        (out / "once").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if config["model"] == "dies" or (config["model"] == "dies-high" and rate > 1e-2):
        os.kill(os.getpid(), signal.SIGKILL)
    if config["model"] == "fails-high" and rate > 1e-2:
        print(json.dumps({"error": {"code": 1, "message": "step 1: NaN or infinity\nmore"}}))
        return 1
    with (out / "starts").open("a") as starts:
        starts.write(f"{os.getpid()} {os.environ.get('OMP_NUM_THREADS')}\n")
    metrics = out / "metrics.jsonl"
    done = len(metrics.read_text().splitlines()) if metrics.exists() else 0
    for step in range(done + 1, steps + 1):
        time.sleep(float(config["ptx_share"]))  # seconds a step
        with metrics.open("a") as stream:
            stream.write(json.dumps({"step": step, "validation/loss": 1 / step + abs(math.log10(rate) + 3)}) + "\n")
        if stopped:
            return 143
    print(json.dumps({"verb": "train sft", "steps": steps, "tokens": 100 * steps}))
    return 0


def _stop(number: int, frame: object) -> None:
    global stopped
    stopped = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main(sys.argv[1:]))
