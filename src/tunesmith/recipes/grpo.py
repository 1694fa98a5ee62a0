"""Optimise a policy with GRPO, against a reward model or scorer functions (arXiv 2402.03300).

1. prompts; 2. policy and frozen reference, both the model as given; 3. groups of completions per prompt, scored;
4. advantages relative to the group; 5. clipped updates with a KL term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from pydantic import Field
from torch import Tensor

from tunesmith.algorithms.grpo import GroupMaker, GRPOObjective, GRPOSettings, GRPOSource
from tunesmith.algorithms.rollout import Episode, ScoreEpisodes
from tunesmith.algorithms.scorers import SCORERS, Scorer
from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import did_you_mean
from tunesmith.core.records import Prompt
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.model.load import LanguageModel, copy_model, frozen
from tunesmith.recipes.episode_scores import READS, Reads, open_reward_model, scorer
from tunesmith.recipes.stage import Stage, StageConfig, require_one_process
from tunesmith.text.render import render_prompts
from tunesmith.train.task import TrainingTask


class Config(StageConfig):
    """GRPO."""

    model: str = Field("", description="the SFT model: policy and reference start from it")
    reward_model: str = Field("", description="a model made by `tunesmith train reward`")
    reward_reads: Reads = Field("tokens", description=READS)
    scorers: tuple[str, ...] = Field(
        (), description="scorer functions whose sum is the score: exact_match, contains_answer, valid_json, brevity"
    )
    grpo: GRPOSettings = Field(GRPOSettings(), description="groups, clipping and aggregation")


def run(config: Config, context: RunContext) -> RunResult:
    """Optimise and save the policy."""
    require_one_process("grpo", context)
    stage = Stage("grpo", config, context)
    policy = stage.open(config.model)
    records = cast("list[Prompt]", stage.read(["prompt"]))
    room = config.max_length - config.grpo.max_tokens
    rendered, report = render_prompts(records, policy.chat_template(), max_prompt_length=room)
    report.require_some("prompts")
    for line in report.sentences()[1:]:
        context.log(line)
    score = make_score(stage, config, policy, {r.key: cast(Prompt, r.record) for r in rendered})
    reference = frozen(copy_model(policy))
    maker = GroupMaker(
        policy=policy.network,
        reference=reference.network,
        score=score,
        settings=config.grpo,
        stop_ids=policy.chat_template().stop_ids,
        micro_batch_tokens=config.micro_batch_tokens,
    )
    source = GRPOSource(
        maker=maker,
        prompts=[(r.ids, r.key) for r in rendered],
        settings=config.grpo,
        micro_batch_tokens=config.micro_batch_tokens,
        seed=config.seed,
    )
    if context.dry_run:
        return stage.dry({"prompts": len(rendered), "steps": source.total_steps})
    task = TrainingTask(
        modules={"policy": policy.network}, objective=GRPOObjective(policy.network, config.grpo), source=source
    )
    result = stage.train(task)
    stage.save(policy, {"prompts": config.grpo.total_prompts, "group_size": config.grpo.group_size})
    return stage.result(result, prompts=len(rendered), next_command=f"tunesmith chat {stage.run.path}")


def make_score(stage: Stage, config: Config, policy: LanguageModel, prompts: Mapping[str, Prompt]) -> ScoreEpisodes:
    """Return the function that scores episodes.

    Raises:
        ConfigError: neither or both of reward model and scorers, or an unknown scorer.
    """
    if bool(config.reward_model) == bool(config.scorers):
        raise ConfigError("give either a reward model or scorers", where="reward_model, scorers")
    if config.reward_model:
        reads, asked = config.reward_reads, {key: prompt.messages for key, prompt in prompts.items()}
        reward = open_reward_model(stage, config.reward_model, policy, same_tokens=reads == "tokens")
        return scorer(reward, policy, asked, reads=reads, micro_batch_tokens=config.micro_batch_tokens)
    for name in config.scorers:
        if name not in SCORERS:
            raise ConfigError(f"unknown scorer {name!r}", where="scorers", remedy=did_you_mean(name, SCORERS))
    chosen: list[Scorer] = [SCORERS[name] for name in config.scorers]
    template = policy.chat_template()

    def score(episodes: Sequence[Episode]) -> Tensor:
        return torch.tensor([_sum(chosen, prompts[e.key], template.completion_text(e.completion)) for e in episodes])

    return score


def _sum(scorers: Sequence[Scorer], prompt: Prompt, completion: str) -> float:
    values = [one(prompt, completion) for one in scorers]
    known = [v for v in values if v is not None]
    return sum(known) if len(known) == len(values) else float("nan")
