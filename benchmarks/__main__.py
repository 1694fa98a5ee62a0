"""`python -m benchmarks STAGE [--size S|M] [--rounds 5] [--bf16] [--json]`: this project beside its peers, in one run.

Stages: sft, pretrain, reward, rollout, dpo, grpo, ppo; `serve` compares servers. Peers run in environments of their
own, made once with `benchmarks/peers/install.sh FOLDER` and named by `--peers FOLDER`; without it, those that need one
are left out. Prints medians, lowest and highest, peak memory and the ratio; for training, also the share of the
machine's measured matrix-multiply peak. `--bf16` trains in bf16 (ours, and the peers' best setting; what a peer does by
default stays its own), for machines whose processor has units for it; a rollout's peers then take part in fp32 and in
bf16, and the ratio is to the fastest. `ppo --shared` reads this project's values off the policy's trunk; TRL's trainer
has no such setting and keeps its value model.

Two stages ask about this project alone. `layouts [--k 9] [--prompt 512]`: a reward model on long prompts, each laid out
once for its K completions, and on the same data with the prompt before each completion. `growth [--examples
1000,10000,100000] [--rounds 3]`: fine-tuning on files of so many chats; tokens a second of the steps, set-up time and
memory, and their ratios to the smallest file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks import growth, serve, workload
from benchmarks.chat_model import write_model
from benchmarks.contest import Entry, compare, report

UNITS = {
    "sft": "tokens",
    "pretrain": "tokens",
    "reward": "prompts",
    "rollout": "tokens",
    "dpo": "pairs",
    "grpo": "episodes",
    "ppo": "episodes",
    "layouts": "prompts",
}
TRL, TRL_PPO = "trl", "trl-ppo"  # folders of environments below --peers


def entries(stage: str, size: str, peers: Path | None, options: dict[str, Any], *, shared: bool = False) -> list[Entry]:
    """Return who takes part in a stage: this project first, with a shared trunk where `shared`."""
    base = {"size": size, **options}
    if stage == "layouts":
        return _layouts(base)
    own = {**base, "keep_memory": True} | ({"value": "shared"} if shared else {})
    name = "tunesmith, shared trunk" if shared else "tunesmith"
    ours = Entry(name, "ours", f"benchmarks.ours:{stage}", sys.executable, own)
    found = [ours]

    def peer(name: str, role: str, function: str, environment: str | None, **settings: Any) -> None:
        python = sys.executable if environment is None else str((peers or Path()) / environment / "bin" / "python")
        if environment is None or peers is not None:
            values = {**base, **settings, "keep_memory": role == "best"}
            found.append(Entry(name, role, f"benchmarks.peers.{function}", python, values))

    match stage:
        case "pretrain":
            peer("transformers, plain loop", "best", "plain:pretrain", None)
        case "rollout":
            for bf16 in [False, True] if options["bf16"] else [False]:
                for cache in ("dynamic", "static"):
                    name = f"transformers generate, {cache} cache{', bf16' if bf16 else ''}"
                    role = "best" if bf16 or cache == "static" else "default"
                    peer(name, role, "plain:rollout", None, cache=cache, bf16=bf16)
        case "ppo":
            peer("TRL 1.0.0 PPOTrainer, no checkpointing", "best", "trl_ppo:ppo", TRL_PPO, tuned=True)
            peer("TRL 1.0.0 PPOTrainer, defaults", "default", "trl_ppo:ppo", TRL_PPO, tuned=False)
        case _:
            names = {"sft": "SFT", "reward": "Reward", "dpo": "DPO", "grpo": "GRPO"}
            peer(f"TRL {names[stage]}Trainer, tuned", "best", f"trl_training:{stage}", TRL, tuned=True)
            peer(f"TRL {names[stage]}Trainer, defaults", "default", f"trl_training:{stage}", TRL, tuned=False)
    return found


def _layouts(settings: dict[str, Any]) -> list[Entry]:
    """Return this project twice: each prompt laid out once, and before each of its completions."""
    shared = {**settings, "keep_memory": True}
    function = "benchmarks.ours:layouts"
    return [
        Entry("prompt once", "ours", function, sys.executable, {**shared, "repeated": False}),
        Entry("prompt before each completion", "best", function, sys.executable, {**shared, "repeated": True}),
    ]


def share_of_peak(stage: str, size: str, rate: float, rows: int, dtype: torch.dtype) -> float | None:
    """Return useful operations over the machine's matrix-product peak: 6 a parameter and token, learned ones' head."""
    if stage not in ("sft", "pretrain"):
        return None
    shape = workload.SHAPES[size]
    d, inner = shape["hidden_size"], shape["intermediate_size"]
    trunk = shape["num_hidden_layers"] * (4 * d * d + 3 * d * inner)
    head = d * shape["vocab_size"]
    asked, answered = (sum(map(len, make(rows, size))) for make in (workload.prompts, workload.completions))
    learned = 1.0 if stage == "pretrain" else answered / (asked + answered)
    return rate * 6 * (trunk + head * learned) / 1e9 / workload.matmul_peak_gflops(dtype)


def served(size: str, repeats: int, requests: int) -> dict[str, object]:
    """Print and return the comparison of servers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        write_model(path, size)
        found = serve.measure(path, repeats=repeats, max_tokens=64, requests=requests)
    print("\n".join(serve.table(found)), file=sys.stderr)
    return {name: {str(c): [one._asdict() for one in loads] for c, loads in by.items()} for name, by in found.items()}


DEFAULTS: dict[str, dict[str, int]] = {
    "sft": {"rows": 96},
    "pretrain": {"rows": 64},
    "reward": {"rows": 16, "k": 4, "median": 65},
    "rollout": {"rows": 16},
    "dpo": {"rows": 32},
    "grpo": {"prompts": 8, "rollouts": 2},
    "ppo": {"episodes": 32, "minibatch": 16},
    "layouts": {"rows": 8, "k": 9, "prompt": 512},
}


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("stage", choices=[*UNITS, "serve", "growth"])
    parser.add_argument("--size", choices=workload.SHAPES, default="S")
    parser.add_argument("--rounds", type=int, help="alternations (default 5; growth: 3)")
    parser.add_argument("--peers", type=Path, help="the folder of benchmarks/peers/install.sh")
    parser.add_argument("--rows", type=int, help="rows, prompts, episodes or requests of a round")
    parser.add_argument("--k", type=int, help="completions of a ranked prompt (reward, layouts)")
    parser.add_argument("--median", type=int, help="median prompt length (reward)")
    parser.add_argument("--prompt", type=int, help="shortest prompt, and median of the lengths drawn (layouts)")
    parser.add_argument("--examples", type=_numbers, default=[1000, 10000, 100000], help="rows of the files (growth)")
    parser.add_argument("--steps", type=int, default=30, help="timed optimizer steps of a run (growth)")
    parser.add_argument("--bf16", action="store_true", help="train, or sample, in bf16")
    parser.add_argument("--shared", action="store_true", help="a value head on the policy's trunk (ppo)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    asked = parser.parse_args(words)
    if asked.bf16 and asked.stage == "serve":
        parser.error("servers are compared in fp32")
    if asked.shared and asked.stage != "ppo":
        parser.error("--shared is an option of ppo")
    asked.rounds = asked.rounds or (3 if asked.stage == "growth" else 5)
    return asked


def _numbers(text: str) -> list[int]:
    """Return whole numbers between commas."""
    return [int(word) for word in text.split(",")]


def options_of(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what a stage's contenders are told besides the size: the defaults, or what was asked for."""
    options: dict[str, Any] = dict(DEFAULTS[asked.stage])
    counted = next(iter(options))
    options[counted] = asked.rows or options[counted]
    options |= {name: getattr(asked, name) or options[name] for name in ("k", "median", "prompt") if name in options}
    return {**options, "bf16": asked.bf16}


def compared(asked: argparse.Namespace) -> dict[str, Any]:
    """Print and return the comparison of a stage's contenders."""
    options = options_of(asked)
    taking_part = entries(asked.stage, asked.size, asked.peers, options, shared=asked.shared)
    results = compare(taking_part, asked.size, rounds=asked.rounds)
    body = {"stage": asked.stage, "size": asked.size, "options": options, "threads": torch.get_num_threads()}
    body["shared"] = asked.shared
    body |= report(results, UNITS[asked.stage])
    dtype = torch.bfloat16 if asked.bf16 else torch.float32
    counted = options[next(iter(options))]
    body["share_of_peak"] = share_of_peak(asked.stage, asked.size, results[0].median, counted, dtype)
    if body["share_of_peak"]:
        print(f"{body['share_of_peak']:.0%} of the matrix-multiply peak ({dtype})", file=sys.stderr)
    return body


def grown(asked: argparse.Namespace) -> dict[str, Any]:
    """Print and return what more rows cost."""
    found = growth.measure(asked.examples, asked.size, rounds=asked.rounds, steps=asked.steps, bf16=asked.bf16)
    body = {"stage": "growth", "size": asked.size, "bf16": asked.bf16, "threads": torch.get_num_threads()}
    return body | growth.report(found)


def main() -> None:
    """Measure one stage."""
    asked = arguments()
    match asked.stage:
        case "serve":
            body: dict[str, Any] = served(asked.size, asked.rounds, asked.rows or 64)
        case "growth":
            body = grown(asked)
        case _:
            body = compared(asked)
    if asked.json:
        print(json.dumps(body))


if __name__ == "__main__":
    main()
