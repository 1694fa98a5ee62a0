"""TRL's trainers. `tuned`: fp32, or bf16 where that is asked for, no checkpointing, like lengths together.

TRL's defaults say themselves which of the two they use.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

from benchmarks import workload
from benchmarks.contender import Contender


def _common(*, tuned: bool, batch: int, bf16: bool, grouped: bool = True) -> dict[str, Any]:
    """Return the arguments of a round; what is not named here is TRL's default."""
    quiet = {
        "output_dir": tempfile.mkdtemp(),
        "num_train_epochs": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
    }
    if not tuned:
        return quiet
    best = {
        "per_device_train_batch_size": batch,
        "gradient_checkpointing": False,
        "bf16": bf16,
        "logging_strategy": "no",
    }
    return {**quiet, **best, **({"train_sampling_strategy": "group_by_length"} if grouped else {})}


def _opened(folder: Path, name: str) -> tuple[Any, Any]:
    kind = AutoModelForSequenceClassification if name == "reward" else AutoModelForCausalLM
    tokenizer = AutoTokenizer.from_pretrained(str(folder / name))
    return kind.from_pretrained(str(folder / name), dtype=torch.float32), tokenizer


def _run(trainer: Any, units: float) -> Contender:
    def run() -> float:
        trainer.train()
        return units

    return Contender(run)


def sft(folder: Path, *, size: str, rows: int, tuned: bool, bf16: bool) -> Contender:
    """One epoch; loss on completions only; units are real tokens."""
    network, tokenizer = _opened(folder, "policy")
    pairs = list(zip(workload.prompts(rows, size), workload.completions(rows, size), strict=True))
    data = Dataset.from_dict(
        {
            "input_ids": [[*p, *c] for p, c in pairs],
            "completion_mask": [[0] * len(p) + [1] * len(c) for p, c in pairs],
        }
    )
    check = _mean_nll(network, pairs[:8])
    config = SFTConfig(**_common(tuned=tuned, batch=32, bf16=bf16), completion_only_loss=True)
    trainer = SFTTrainer(model=network, args=config, train_dataset=data, processing_class=tokenizer)
    return _run(trainer, float(sum(len(p) + len(c) for p, c in pairs)))._replace(check=check)


@torch.no_grad()
def _mean_nll(network: Any, pairs: list[tuple[list[int], list[int]]]) -> float:
    total, count = 0.0, 0
    for prompt, completion in pairs:
        ids = torch.tensor([[*prompt, *completion]])
        logprobs = network(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        total -= float(logprobs.gather(1, torch.tensor(completion)[:, None]).sum())
        count += len(completion)
    return total / count


def reward(folder: Path, *, size: str, k: int, rows: int, tuned: bool, bf16: bool, median: int = 65) -> Contender:
    """One epoch over all C(K, 2) pairs of every ranking; units are ranked prompts."""
    network, tokenizer = _opened(folder, "reward")
    answers = workload.completions(rows * k, size)
    chosen, rejected = [], []
    for i, prompt in enumerate(workload.prompts(rows, size, median=median)):
        for better, worse in itertools.combinations(answers[i * k : (i + 1) * k], 2):
            chosen.append([*prompt, *better])
            rejected.append([*prompt, *worse])
    data = Dataset.from_dict({"chosen_ids": chosen, "rejected_ids": rejected})
    pairs = k * (k - 1) // 2
    check = _mean_pair_loss(network, chosen[: 2 * pairs], rejected[: 2 * pairs])
    config = RewardConfig(
        **_common(tuned=tuned, batch=18, bf16=bf16, grouped=False), max_length=None, center_rewards_coefficient=None
    )
    trainer = RewardTrainer(model=network, args=config, train_dataset=data, processing_class=tokenizer)
    return _run(trainer, float(rows))._replace(check=check)


@torch.no_grad()
def _mean_pair_loss(network: Any, chosen: list[list[int]], rejected: list[list[int]]) -> float:
    def score(ids: list[int]) -> float:
        return float(network(input_ids=torch.tensor([ids])).logits[0, 0])

    gaps = torch.tensor([score(a) - score(b) for a, b in zip(chosen, rejected, strict=True)])
    return float(-torch.nn.functional.logsigmoid(gaps).mean())


def dpo(folder: Path, *, size: str, rows: int, tuned: bool, bf16: bool) -> Contender:
    """One epoch over pairs, the reference's log-probs included; units are pairs."""
    network, tokenizer = _opened(folder, "policy")
    answers = [f" {workload.words(c)}" for c in workload.completions(2 * rows, size)]
    asked = [workload.words(p) for p in workload.prompts(rows, size)]
    data = Dataset.from_dict({"prompt": asked, "chosen": answers[0::2], "rejected": answers[1::2]})
    config = DPOConfig(**_common(tuned=tuned, batch=16, bf16=bf16, grouped=False), max_length=None)
    trainer = DPOTrainer(model=network, args=config, train_dataset=data, processing_class=tokenizer)
    return _run(trainer, float(rows))


def _distinct(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """Score completions by how many tokens they use."""
    return [float(len(set(ids))) for ids in completion_ids]


def grpo(folder: Path, *, size: str, prompts: int, rollouts: int, tuned: bool, bf16: bool) -> Contender:
    """So many rollouts of groups with one optimizer step each; units are completions."""
    tokenizer = AutoTokenizer.from_pretrained(str(folder / "policy"))
    texts = [workload.words(p) for p in workload.prompts(prompts * rollouts, size)]
    common = _common(tuned=tuned, batch=prompts * workload.GROUP, bf16=bf16, grouped=False)
    common["per_device_train_batch_size"] = (
        prompts * workload.GROUP
    )  # of completions; the default, 8, would be another algorithm
    config = GRPOConfig(
        **common, num_generations=workload.GROUP, max_completion_length=workload.NEW_TOKENS, beta=0.02,
        max_steps=rollouts, steps_per_generation=1, model_init_kwargs={"dtype": "float32"},
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=str(folder / "policy"), reward_funcs=_distinct, args=config,
        train_dataset=Dataset.from_dict({"prompt": texts}), processing_class=tokenizer,
    )  # fmt: skip
    return _run(trainer, float(prompts * workload.GROUP * rollouts))
