"""Optimise a policy against a reward model with PPO; with `ptx.ptx_coef` > 0, PPO-ptx (InstructGPT section 3.5, C.4).

1. prompts; 2. policy and frozen reference, both the SFT model; 3. frozen reward model, and a value model: its copy or a
head on the policy; 4. the loop: roll out -> score -> reward with a per-token KL penalty -> advantages -> clipped
updates, each mixed with pretraining text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from pydantic import Field

from tunesmith.algorithms.ppo.experience import ExperienceMaker
from tunesmith.algorithms.ppo.objective import PPOObjective
from tunesmith.algorithms.ppo.ptx import PtxStream
from tunesmith.algorithms.ppo.settings import KLSettings, PPOSettings, PtxSettings
from tunesmith.algorithms.ppo.source import PPOSource
from tunesmith.algorithms.ppo.value_model import value_model
from tunesmith.core.records import Document, Prompt
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.losses.kl import AdaptiveKLController
from tunesmith.model.load import LanguageModel, copy_model, frozen
from tunesmith.recipes.episode_scores import READS, Reads, open_reward_model, scorer
from tunesmith.recipes.pretrain import document_rows
from tunesmith.recipes.stage import Stage, StageConfig, require_one_process
from tunesmith.text.render import RenderedPrompt, prompt_of, render_prompts
from tunesmith.train.task import TrainingTask


class Config(StageConfig):
    """PPO and PPO-ptx."""

    model: str = Field("", description="the SFT model: policy and reference start from it")
    reward_model: str = Field("", description="a model made by `tunesmith train reward`")
    reward_reads: Reads = Field("tokens", description=READS)
    ptx_data: tuple[str, ...] = Field(("desk",), description="pretraining text for ptx: files, snapshots or desk")
    ppo: PPOSettings = Field(PPOSettings(), description="rollouts, reward and clipping")
    kl: KLSettings = Field(KLSettings(), description="the penalty towards the reference")
    ptx: PtxSettings = Field(PtxSettings(), description="the pretraining mix")
    value_learning_rate_factor: float = Field(1.0, gt=0, description="value model's (or head's) rate over the policy's")


def run(
    config: Config, context: RunContext, *, probe: Callable[[LanguageModel], Mapping[str, float]] | None = None
) -> RunResult:
    """Optimise and save the policy. `probe` measures it every `engine.validate_every` steps; it is only logged."""
    require_one_process("ppo", context)
    stage = Stage("ppo", config, context)
    policy = stage.open(config.model)
    # A value model of its own starts as the reward model's copy and reads the policy's tokens.
    same = config.reward_reads == "tokens" or config.ppo.value_model == "separate"
    reward = open_reward_model(stage, config.reward_model, policy, same_tokens=same)
    reference = frozen(copy_model(policy))
    value = value_model(config.ppo.value_model, policy=policy.network, reward=reward.network)
    prompts = prompt_rows(stage, config, policy)
    asked = {row.key: prompt_of(row.record) for row in prompts}
    score = scorer(reward, policy, asked, reads=config.reward_reads, micro_batch_tokens=config.micro_batch_tokens)
    ptx = ptx_stream(stage, config, policy)
    maker = ExperienceMaker(
        policy=policy.network,
        reference=reference.network,
        value=value,
        score=score,
        settings=config.ppo,
        stop_ids=policy.chat_template().stop_ids,
        micro_batch_tokens=config.micro_batch_tokens,
    )
    source = PPOSource(
        maker=maker,
        prompts=[(row.ids, row.key) for row in prompts],
        ptx=ptx,
        settings=config.ppo,
        controller=kl_controller(config.kl),
        micro_batch_tokens=config.micro_batch_tokens,
        seed=config.seed,
    )
    if context.dry_run:
        return stage.dry({"prompts": len(prompts), "steps": source.total_steps, "ptx": ptx is not None})
    task = TrainingTask(
        modules={"policy": policy.network, "value": value.module},
        objective=PPOObjective(policy=policy.network, value=value, settings=config.ppo),
        source=source,
        loss_coefs={"value": config.ppo.value_coef, "ptx": config.ptx.ptx_coef},
        learning_rate_factors={"value": config.value_learning_rate_factor},
        validate=None if probe is None else (lambda: probe(policy)),
    )
    result = stage.train(task)
    stage.save(policy, {"episodes": config.ppo.total_episodes, "kl_coef": config.kl.kl_coef})
    return stage.result(
        result,
        prompts=len(prompts),
        episodes=config.ppo.iterations * config.ppo.rollout_batch_size,
        next_command=f"tunesmith chat {stage.run.path}",
    )


def kl_controller(settings: KLSettings) -> AdaptiveKLController:
    """Return the fixed or adaptive controller."""
    target = settings.kl_target if settings.kl_mode == "adaptive" else None
    return AdaptiveKLController(settings.kl_coef, target=target, horizon=settings.kl_horizon)


def prompt_rows(stage: Stage, config: Config, policy: LanguageModel) -> list[RenderedPrompt]:
    """Return the prompts that leave room for an answer; the others are named."""
    records = cast("list[Prompt]", stage.read(["prompt"]))
    room = config.max_length - config.ppo.max_tokens
    rendered, report = render_prompts(records, policy.chat_template(), max_prompt_length=room)
    report.require_some("prompts")
    for line in report.sentences()[1:]:
        stage.context.log(line)
    return rendered


def ptx_stream(stage: Stage, config: Config, policy: LanguageModel) -> PtxStream | None:
    """Return the pretraining stream, or None when `ptx_coef` is 0."""
    if config.ptx.ptx_coef == 0:
        return None
    documents = cast("list[Document]", stage.read(["document"], data=config.ptx_data, label="ptx"))
    rows = [list(r.ids) for r in document_rows(documents, policy.tokenizer, config.ptx.ptx_length)]
    return PtxStream(
        rows,
        ptx_ratio=config.ptx.ptx_ratio,
        minibatch_size=config.ppo.minibatch_size,
        micro_batch_tokens=config.micro_batch_tokens,
        seed=config.seed + 1,
    )
