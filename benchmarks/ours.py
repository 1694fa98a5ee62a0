"""This project as a contender: its own engine, objectives and generator, as the recipes put them together."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedModel

from benchmarks import workload
from benchmarks.contender import Contender
from tunesmith.algorithms import dpo as dpo_algorithm
from tunesmith.algorithms.grpo import GroupMaker, GRPOObjective, GRPOSettings, GRPOSource
from tunesmith.algorithms.ppo.experience import ExperienceMaker
from tunesmith.algorithms.ppo.objective import PPOObjective
from tunesmith.algorithms.ppo.settings import PPOSettings
from tunesmith.algorithms.ppo.source import PPOSource
from tunesmith.algorithms.ppo.value_model import value_model
from tunesmith.algorithms.reward_model import RankedBatch, RankedTree, RewardObjective, pack_ranked, score_sequences
from tunesmith.algorithms.rollout import Episode
from tunesmith.algorithms.sft import LanguageObjective, mean_nll
from tunesmith.algorithms.sft import builder as language_builder
from tunesmith.data.batch import TokenSequence, TokenTree, pack
from tunesmith.losses.kl import AdaptiveKLController
from tunesmith.model.attention import NAME
from tunesmith.model.generate import Sampling, generate
from tunesmith.model.native.fused import fuse
from tunesmith.train.checkpoint import CheckpointManager
from tunesmith.train.dataset_source import DatasetSource, Walk
from tunesmith.train.engine import Engine
from tunesmith.train.engine_config import EngineConfig
from tunesmith.train.objective import StateTree
from tunesmith.train.optimizer import OptimizerConfig
from tunesmith.train.run_directory import RunDirectory
from tunesmith.train.task import TrainingTask


class _NothingKept(CheckpointManager):
    """Writes no checkpoints, as the peers are told not to."""

    def save(self, step: int, tree: StateTree, *, best: int | None = None) -> Path | None:
        return self.path_of(step)


def _open(folder: Path, name: str, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    kind = AutoModelForSequenceClassification if name == "reward" else AutoModelForCausalLM
    network: PreTrainedModel = kind.from_pretrained(str(folder / name), attn_implementation=NAME, dtype=dtype)
    fuse(network)
    return network


def _rounds(make_task: Callable[[], TrainingTask], units: float, *, bf16: bool) -> Callable[[], float]:
    """Return the function that trains a fresh task to its end with the engine, and its useful units."""
    precision = "bf16" if bf16 else "fp32"

    def run() -> float:
        with tempfile.TemporaryDirectory() as name:
            directory = RunDirectory(Path(name))
            config = EngineConfig.model_validate(
                {"optimizer": OptimizerConfig(learning_rate=1e-5), "tensorboard": False, "precision": precision}
            )
            checkpoints = _NothingKept(directory.checkpoints, keep_last=2)
            Engine(make_task(), config, directory, checkpoints=checkpoints).train()
        return units

    return run


def _source(rows: Sequence[Any], sizes: Sequence[int], build: Callable[..., Any], batch: int, tokens: int) -> Any:
    walk = Walk(global_batch_size=batch, micro_batch_tokens=tokens)
    return DatasetSource(rows, sizes=sizes, build=build, walk=walk)


def sft(folder: Path, *, size: str, rows: int, bf16: bool, batch: int = 32, tokens: int = 8192) -> Contender:
    """One epoch; units are real tokens, prompts included."""
    pairs = zip(workload.prompts(rows, size), workload.completions(rows, size), strict=True)
    data = [TokenSequence([*p, *c], [False] * len(p) + [True] * len(c), "") for p, c in pairs]
    return _language(folder, data, batch, tokens, bf16)


def pretrain(folder: Path, *, size: str, rows: int, bf16: bool, batch: int = 16, tokens: int = 4096) -> Contender:
    """One epoch over full rows; units are tokens."""
    data = [TokenSequence(row, [True] * len(row), "") for row in workload.pretraining_rows(rows, size)]
    return _language(folder, data, batch, tokens, bf16)


def _language(folder: Path, data: list[TokenSequence], batch: int, tokens: int, bf16: bool) -> Contender:
    network = _open(folder, "policy")
    sizes = [len(row.ids) for row in data]

    def task() -> TrainingTask:
        objective = LanguageObjective(network)
        source = _source(data, sizes, language_builder("sft"), batch, tokens)
        return TrainingTask(modules=objective.modules, objective=objective, source=source)

    check = mean_nll(network, [pack(data[:8])])
    return Contender(_rounds(task, float(sum(sizes)), bf16=bf16), check)


def reward(folder: Path, *, size: str, k: int, rows: int, bf16: bool, median: int = 65) -> Contender:
    """One epoch over K-wise rankings; units are ranked prompts."""
    data = ranked_trees(workload.prompts(rows, size, median=median), size, k)
    return _ranking(folder, data, [row.size for row in data], pack_ranked, bf16)


def layouts(folder: Path, *, size: str, k: int, rows: int, prompt: int, bf16: bool, repeated: bool) -> Contender:
    """`reward` with prompts of `prompt` tokens or more; `repeated`: each completion is a sequence with its own prompt.

    Both layouts cut a step of so many prompts into micro-batches of at most as many tokens as they lay out themselves.
    """
    data = ranked_trees(workload.prompts(rows, size, low=prompt, median=prompt), size, k)
    if not repeated:
        return _ranking(folder, data, [row.size for row in data], pack_ranked, bf16)
    sizes = [row.size + (k - 1) * len(row.tree.prompt) for row in data]
    return _ranking(folder, data, sizes, pack_repeated, bf16)


def ranked_trees(asked: Sequence[list[int]], size: str, k: int) -> list[RankedTree]:
    """Return prompts with k completions each, the first of which is the best, and so on."""
    answers = workload.completions(len(asked) * k, size)
    order = (tuple((i,) for i in range(k)),)
    return [RankedTree(TokenTree(p, answers[i * k : (i + 1) * k], ""), order) for i, p in enumerate(asked)]


def pack_repeated(rows: Sequence[RankedTree]) -> RankedBatch:
    """Return `pack_ranked` of these rows with the prompt before each completion; same scores in the same order."""
    trees = [row.tree for row in rows]
    sequences = [
        TokenSequence([*t.prompt, *c], [False] * len(t.prompt) + [True] * len(c), t.key)
        for t in trees
        for c in t.completions
    ]
    # Pairs and weights are pack_ranked's own; the trees that it lays out for nothing cost a two-thousandth of a step.
    return replace(pack_ranked(rows), batch=pack(sequences))


def _ranking(
    folder: Path, data: Sequence[RankedTree], sizes: Sequence[int], build: Callable[..., RankedBatch], bf16: bool
) -> Contender:
    network = _open(folder, "reward")

    def task() -> TrainingTask:
        objective = RewardObjective(network)
        source = _source(data, sizes, build, batch=8, tokens=4096)
        return TrainingTask(modules=objective.modules, objective=objective, source=source)

    with torch.no_grad():
        ranked = build(data[:2])
        check = float(RewardObjective(network)(ranked).loss_sum) / ranked.weight
    return Contender(_rounds(task, float(len(data)), bf16=bf16), check)


def rollout(folder: Path, *, size: str, rows: int, bf16: bool, tokens: int = 64) -> Contender:
    """Sample `tokens` tokens for each prompt, reading of the prompts included; units are new tokens."""
    network = _open(folder, "policy", torch.bfloat16 if bf16 else torch.float32).eval()
    asked = workload.prompts(rows, size)
    rounds = 0

    def run() -> float:
        nonlocal rounds
        rounds += 1
        made = generate(network, asked, stop_ids=[], sampling=Sampling(max_tokens=tokens, seed=rounds))
        return float(sum(len(g.ids) for row in made for g in row))

    return Contender(run)


def dpo(folder: Path, *, size: str, rows: int, bf16: bool, batch: int = 16) -> Contender:
    """One epoch over pairs, the reference's log-probs included; units are pairs."""
    network, reference = _open(folder, "policy"), _open(folder, "policy").eval()
    answers = workload.completions(2 * rows, size)
    trees = [TokenTree(p, answers[2 * i : 2 * i + 2], "") for i, p in enumerate(workload.prompts(rows, size))]

    def task() -> TrainingTask:
        pairs = dpo_algorithm.with_reference(reference, trees, micro_batch_tokens=4096)
        sizes = [len(t.prompt) + sum(map(len, t.completions)) for t in trees]
        source = _source(pairs, sizes, dpo_algorithm.pack_pairs, batch, 4096)
        objective = dpo_algorithm.DpoObjective(network, beta=0.1)
        return TrainingTask(modules={"model": network}, objective=objective, source=source)

    return Contender(_rounds(task, float(rows), bf16=bf16))


def grpo(folder: Path, *, size: str, prompts: int, rollouts: int, bf16: bool) -> Contender:
    """So many rollouts of groups, scored by how many tokens they use, a step each; units are completions."""
    network, reference = _open(folder, "policy"), _open(folder, "policy").eval()
    settings = GRPOSettings(
        total_prompts=prompts * rollouts, prompts_per_rollout=prompts, prompts_per_step=prompts,
        group_size=workload.GROUP, max_tokens=workload.NEW_TOKENS, kl_coef=0.02,
    )  # fmt: skip
    asked = [(p, str(i)) for i, p in enumerate(workload.prompts(prompts * rollouts, size))]

    def score(episodes: Sequence[Episode]) -> torch.Tensor:
        return torch.tensor([float(len(set(e.completion))) for e in episodes])

    def task() -> TrainingTask:
        maker = GroupMaker(
            policy=network,
            reference=reference,
            score=score,
            settings=settings,
            stop_ids=[workload.END],
            micro_batch_tokens=4096,
        )
        source = GRPOSource(maker=maker, prompts=asked, settings=settings, micro_batch_tokens=4096, seed=0)
        return TrainingTask(modules={"policy": network}, objective=GRPOObjective(network, settings), source=source)

    return Contender(_rounds(task, float(prompts * workload.GROUP * rollouts), bf16=bf16))


def ppo(folder: Path, *, size: str, episodes: int, minibatch: int, bf16: bool, value: str = "separate") -> Contender:
    """One rollout batch and four passes over it, `value` being `ppo.value_model`; units are episodes."""
    policy, reference = _open(folder, "policy"), _open(folder, "policy").eval()
    judge = _open(folder, "reward").eval()
    settings = PPOSettings.model_validate({
        "total_episodes": episodes, "rollout_batch_size": episodes, "minibatch_size": minibatch, "value_model": value,
        "num_ppo_epochs": workload.PPO_EPOCHS, "max_tokens": workload.NEW_TOKENS, "no_eos": "none",
    })  # fmt: skip
    values = value_model(settings.value_model, policy=policy, reward=judge)
    asked = [(p, str(i)) for i, p in enumerate(workload.prompts(episodes, size))]

    def score(made: Sequence[Episode]) -> torch.Tensor:
        return score_sequences(judge, [e.sequence() for e in made], micro_batch_tokens=4096)

    def task() -> TrainingTask:
        maker = ExperienceMaker(
            policy=policy, reference=reference, value=values, score=score, settings=settings, stop_ids=[workload.END],
            micro_batch_tokens=4096,
        )  # fmt: skip
        source = PPOSource(
            maker=maker, prompts=asked, ptx=None, settings=settings, controller=AdaptiveKLController(0.05, target=None),
            micro_batch_tokens=4096, seed=0,
        )  # fmt: skip
        objective = PPOObjective(policy=policy, value=values, settings=settings)
        modules = {"policy": policy, "value": values.module}
        return TrainingTask(modules=modules, objective=objective, source=source, loss_coefs={"value": 0.5})

    return Contender(_rounds(task, float(episodes), bf16=bf16))
