"""TRL 1.0.0's PPO trainer, the last version that has one: policy, reference, reward model and value model, as here."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl.experimental.ppo import PPOConfig, PPOTrainer

from benchmarks import workload
from benchmarks.contender import Contender


def ppo(folder: Path, *, size: str, episodes: int, minibatch: int, tuned: bool, bf16: bool) -> Contender:
    """One rollout batch and four passes over it; units are episodes."""

    def opened(kind: type, name: str) -> torch.nn.Module:
        network: torch.nn.Module = kind.from_pretrained(str(folder / name), dtype=torch.float32)  # type: ignore[attr-defined]
        return network

    tokenizer = AutoTokenizer.from_pretrained(str(folder / "policy"), padding_side="left")
    data = Dataset.from_dict({"input_ids": workload.prompts(episodes, size)})
    speed = {"gradient_checkpointing": False, "bf16": bf16, "logging_strategy": "no"} if tuned else {}
    config = PPOConfig(
        output_dir=tempfile.mkdtemp(), use_cpu=True, report_to="none", save_strategy="no", disable_tqdm=True,
        per_device_train_batch_size=minibatch, num_mini_batches=episodes // minibatch, total_episodes=episodes,
        num_ppo_epochs=workload.PPO_EPOCHS, response_length=workload.NEW_TOKENS, temperature=1.0,
        num_sample_generations=0, stop_token="eos", learning_rate=1e-5, **speed,
    )  # fmt: skip
    trainer = PPOTrainer(
        args=config, processing_class=tokenizer, model=opened(AutoModelForCausalLM, "policy"),
        ref_model=opened(AutoModelForCausalLM, "policy"),
        reward_model=opened(AutoModelForSequenceClassification, "reward"),
        value_model=opened(AutoModelForSequenceClassification, "reward"), train_dataset=data, eval_dataset=data,
    )  # fmt: skip

    def run() -> float:
        trainer.train()
        return float(episodes)

    return Contender(run)
