"""`python -m benchmarks sft|reward|rollout|serve [--size S] [--repeats 5] [--json]`: this project on this machine.

Prints the median and the spread (lowest to highest) of useful tokens a second over `--repeats` runs after one warm-up;
for training also the share of the measured matrix-multiply peak. `serve` compares servers
side by side (benchmarks/serve.py).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import serve, workload
from benchmarks.chat_model import write_model
from tunesmith.algorithms.reward_model import RankedTree, RewardObjective, pack_ranked
from tunesmith.algorithms.sft import LanguageBatch, LanguageObjective
from tunesmith.data.batch import TokenSequence, TokenTree, pack
from tunesmith.data.chunks import split_by_tokens
from tunesmith.model.generate import Sampling, generate

Measured = tuple[Callable[[], int], float]  # one run, returning its useful tokens; floating-point operations a run


def sft(size: str) -> Measured:
    """Forward, backward and AdamW on completions of 256 rows, in micro-batches of at most 4,096 tokens."""
    network = workload.policy(size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    objective = LanguageObjective(network)
    rows = [
        TokenSequence([*p, *c], [False] * len(p) + [True] * len(c), "")
        for p, c in zip(workload.prompts(256, size), workload.completions(256, size), strict=True)
    ]
    counts = [len(r.ids) for r in rows]
    parts = split_by_tokens(range(len(rows)), counts, 4096)
    batches = [LanguageBatch("sft", pack([rows[i] for i in part])) for part in parts]
    targets = sum(len(b.batch.targets) for b in batches)
    trunk = sum(p.numel() for n, p in network.named_parameters() if "embed" not in n)
    head = network.get_input_embeddings().weight.numel()

    def run() -> int:
        for batch in batches:
            objective(batch).loss_sum.backward()
        optimizer.step()
        optimizer.zero_grad()
        return sum(counts)

    return run, 6.0 * (trunk * sum(counts) + head * targets)


def reward(size: str, k: int = 4) -> Measured:
    """Forward and backward of the K-wise loss on 48 prompts, each read once."""
    network = workload.reward_model(size)
    objective = RewardObjective(network)
    answers = workload.completions(48 * k, size)
    order = (tuple((i,) for i in range(k)),)
    trees = [
        RankedTree(TokenTree(p, answers[i * k : (i + 1) * k], ""), order)
        for i, p in enumerate(workload.prompts(48, size))
    ]
    parts = split_by_tokens(range(len(trees)), [t.size for t in trees], 4096)
    batches = [pack_ranked([trees[i] for i in part]) for part in parts]
    tokens = sum(b.tokens for b in batches)
    trunk = sum(p.numel() for n, p in network.named_parameters() if "embed" not in n)

    def run() -> int:
        for batch in batches:
            objective(batch).loss_sum.backward()
        network.zero_grad()
        return tokens

    return run, 6.0 * trunk * tokens


def rollout(size: str, rows: int = 64) -> Measured:
    """Sample 64 tokens for each of `rows` prompts, reading of the prompts included."""
    network = workload.policy(size)
    asked = workload.prompts(rows, size)
    sampling = Sampling(max_tokens=64, seed=0)

    def run() -> int:
        made = generate(network, asked, stop_ids=[1], sampling=sampling)
        return sum(len(g.ids) for row in made for g in row)

    return run, 0.0


STAGES: dict[str, Callable[[str], Measured]] = {"sft": sft, "reward": reward, "rollout": rollout}


def served(size: str, repeats: int) -> dict[str, object]:
    """Print and return the comparison of servers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        write_model(path, size)
        found = serve.measure(path, repeats=repeats, max_tokens=64, requests=64)
    print("\n".join(serve.table(found)), file=sys.stderr)
    return {name: {str(c): [one._asdict() for one in loads] for c, loads in by.items()} for name, by in found.items()}


def main() -> None:
    """Measure one stage."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("stage", choices=[*STAGES, "serve"])
    parser.add_argument("--size", choices=workload.SHAPES, default="S")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.stage == "serve":
        print(json.dumps(served(options.size, options.repeats)))
        return
    run, operations = STAGES[options.stage](options.size)
    run()
    rates, seconds = [], []
    for _ in range(options.repeats):
        started = time.perf_counter()
        tokens = run()
        seconds.append(time.perf_counter() - started)
        rates.append(tokens / seconds[-1])
    peak = workload.matmul_peak_gflops(torch.float32)
    result = {
        "stage": options.stage,
        "size": options.size,
        "threads": torch.get_num_threads(),
        "tokens_per_second": statistics.median(rates),
        "low": min(rates),
        "high": max(rates),
        "matmul_peak_gflops": peak,
        "share_of_peak": operations / statistics.median(seconds) / 1e9 / peak if operations else None,
    }
    if options.json:
        print(json.dumps(result))
        return
    spread = f"{min(rates):,.0f}-{max(rates):,.0f}, n = {options.repeats}"
    print(f"{options.stage} {options.size}: {statistics.median(rates):,.0f} tokens/s ({spread}), fp32")
    share = f", {result['share_of_peak']:.0%} of it reached" if operations else ""
    print(f"{torch.get_num_threads()} threads, matrix-multiply peak {peak:,.0f} GFLOP/s{share}")


if __name__ == "__main__":
    main()
