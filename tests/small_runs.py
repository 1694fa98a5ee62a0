"""Small real data files and one configuration of every training stage, for tests of whole runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import torch
from safetensors.torch import load_file

from tests.small import save_base
from tunesmith.core.records import (
    Completion,
    Demonstration,
    Document,
    Message,
    Prompt,
    Ranking,
    RankingLabel,
    Record,
    to_json,
)
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.recipes import distill, dpo, grpo, ppo, pretrain, reward, sft

ENGINE: dict[str, Any] = {
    "optimizer": {"learning_rate": 3e-3},
    "checkpoint": {"every": 2},
    "tensorboard": False,
    "quiet": True,
}
PPO: dict[str, Any] = {"total_episodes": 24, "rollout_batch_size": 8, "minibatch_size": 4, "max_tokens": 6}
GRPO: dict[str, Any] = {
    "total_prompts": 12,
    "prompts_per_rollout": 4,
    "prompts_per_step": 2,
    "group_size": 3,
    "max_tokens": 6,
}
DISTILLATION: dict[str, Any] = {"lmbda": 0.5, "beta": 0.5, "max_tokens": 6}
THINGS = ("lamp", "chair", "table", "vase", "clock", "shelf", "rug", "bed", "desk", "stool", "mug", "bowl")


def demonstrations(n: int) -> list[Demonstration]:
    """Return n different questions with answers."""
    return [
        Demonstration(messages=(*question(i), Message("assistant", f"The {thing(i)} is {i} dollars.")), meta={})
        for i in range(n)
    ]


def prompts(n: int) -> list[Prompt]:
    """Return n different questions."""
    return [Prompt(messages=question(i), meta={"answer": str(i)}) for i in range(n)]


def documents(n: int) -> list[Document]:
    """Return n different lines of text."""
    return [Document(text=f"The {thing(i)} number {i} will arrive on Monday. Thank you!") for i in range(n)]


def rankings(n: int) -> list[Ranking]:
    """Return n questions with three ranked answers, two of them tied now and then."""
    rows = []
    for i in range(n):
        texts = (f"The {thing(i)} is {i} dollars.", "I do not know.", "No.")
        completions = tuple(Completion(id=str(k), text=text) for k, text in enumerate(texts))
        order = (("0",), ("1", "2")) if i % 3 == 0 else (("0",), ("1",), ("2",))
        label = RankingLabel(labeler="a", order=order)
        rows.append(Ranking(messages=question(i), completions=completions, rankings=(label,)))
    return rows


def question(i: int) -> tuple[Message, ...]:
    """Return the i-th question."""
    return (Message("user", f"What is the {thing(i)}, {i}?"),)


def thing(i: int) -> str:
    """Return the i-th thing on sale."""
    return THINGS[i % len(THINGS)]


def write(path: Path, records: Iterable[Record]) -> str:
    """Write records as JSONL; returns the path."""
    path.write_bytes(b"".join(orjson.dumps(to_json(r)) + b"\n" for r in records))
    return str(path)


class Workshop:
    """A base model and data files in one folder, and the runs that are made of them.

    `configs` are complete; `run("sft", "x")` runs a stage into `folder/x`.
    """

    def __init__(self, folder: Path, family: str = "llama") -> None:
        self.folder = folder
        self.base = str(save_base(folder / "base", family))
        self.demonstrations = write(folder / "demonstrations.jsonl", demonstrations(10))
        self.rankings = write(folder / "rankings.jsonl", rankings(10))
        self.prompts = write(folder / "prompts.jsonl", prompts(10))
        self.documents = write(folder / "documents.jsonl", documents(12))

    def chat_model(self) -> str:
        """Return the folder of an SFT model, made once."""
        return self._once("sft", "made-sft", max_steps=1)

    def reward_model(self) -> str:
        """Return the folder of a calibrated reward model, made once."""
        return self._once("reward", "made-reward", max_steps=1)

    def teacher(self) -> str:
        """Return the folder of a chat model that was trained longer, made once."""
        return self._once("sft", "made-teacher", max_steps=8, seed=5)

    def _once(self, stage: str, name: str, **more: Any) -> str:
        model = self.folder / name / "model"
        if not model.is_dir():
            self.run(stage, name, **more)
        return str(model)

    def settings(self, stage: str) -> dict[str, Any]:
        """Return a stage's configuration but for `out`."""
        common: dict[str, Any] = {"max_length": 96, "validation_fraction": 0, "engine": ENGINE, "seed": 3}
        walked = {"global_batch_size": 4, "num_train_epochs": 2.0}
        match stage:
            case "pretrain":
                shape = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}
                new = {"model": "new", "architecture": shape, "data": (self.documents,)}
                return common | walked | new
            case "sft":
                return common | walked | {"model": self.base, "data": (self.demonstrations,)}
            case "reward":
                data = {"data": (self.rankings,), "demonstrations": (self.demonstrations,)}
                return common | walked | {"model": self.chat_model(), **data}
            case "dpo":
                return common | walked | {"model": self.chat_model(), "data": (self.rankings,), "num_train_epochs": 0.8}
            case "ppo":
                models = {"model": self.chat_model(), "reward_model": self.reward_model()}
                return common | models | {"data": (self.prompts,), "ptx_data": (self.documents,), "ppo": PPO}
            case "grpo":
                scorers = {"model": self.chat_model(), "scorers": ("brevity",)}
                return common | scorers | {"data": (self.prompts,), "grpo": GRPO}
            case "distill":
                models = {"model": self.chat_model(), "teacher": self.teacher()}
                sizes = {"global_batch_size": 4, "max_steps": 6, "distillation": DISTILLATION}
                return common | models | sizes | {"data": (self.demonstrations,)}
        raise ValueError(stage)

    def run(self, stage: str, name: str, *, context: RunContext | None = None, **more: Any) -> RunResult:
        """Run a stage."""
        module = STAGES[stage]
        config = module.Config(**{**self.settings(stage), "out": str(self.folder / name), **more})
        result: RunResult = module.run(config, context or RunContext(command="test"))
        return result

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        """Return the weights that a run saved."""
        return load_file(self.folder / name / "model" / "model.safetensors")

    def metrics(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of metrics.jsonl without what depends on the clock."""
        lines = (self.folder / name / "metrics.jsonl").read_text().splitlines()
        return [without_clock(json.loads(line)) for line in lines]


STAGES: Mapping[str, ModuleType] = {
    "pretrain": pretrain,
    "sft": sft,
    "reward": reward,
    "dpo": dpo,
    "ppo": ppo,
    "grpo": grpo,
    "distill": distill,
}


def without_clock(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of metrics without times and speeds."""
    return {k: v for k, v in row.items() if not any(w in k for w in ("time", "second", "tokens_per", "_s"))}


def same_weights(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    """Say whether two sets of weights are equal, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
