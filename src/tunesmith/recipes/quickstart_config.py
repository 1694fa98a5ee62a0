"""The quickstart's numbers, sized so that two CPU cores finish in minutes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tunesmith.algorithms.ppo.settings import KLSettings, PPOSettings, PtxSettings
from tunesmith.core.config import Strict
from tunesmith.recipes.plain_answer import PlainAsking
from tunesmith.recipes.ppo import Config as PPOConfig
from tunesmith.recipes.reward import Config as RewardConfig
from tunesmith.recipes.sft import Config as SFTConfig
from tunesmith.train.checkpoint import CheckpointConfig
from tunesmith.train.engine_config import EngineConfig
from tunesmith.train.optimizer import OptimizerConfig
from tunesmith.train.schedule import ScheduleConfig


def _engine(
    learning_rate: float,
    *,
    warmup_steps: int,
    kind: str = "cosine",
    optimizer: str = "adamw",
    ema_decay: float | None = None,
) -> EngineConfig:
    return EngineConfig.model_validate(
        {
            "precision": "auto",
            "optimizer": OptimizerConfig.model_validate({"kind": optimizer, "learning_rate": learning_rate}),
            "schedule": ScheduleConfig.model_validate({"kind": kind, "warmup_steps": warmup_steps}),
            "checkpoint": CheckpointConfig(every=50),
            "ema_decay": ema_decay,
        }
    )


# Muon, which the base was trained with, learns half as much again from the same demonstrations (docs/experiments.md).
# The mix is the paper's 10 %, `ptx_share`'s default; the base was trained with the same surprisal term.
SFT = SFTConfig(
    engine=_engine(2e-3, warmup_steps=20, optimizer="muon"),
    global_batch_size=24,
    surprisal_coef=0.5,
    validation_fraction=0.02,
)
# Foretelling the score costs the reward model nothing that could be measured and spares PPO a critic's first thousand
# episodes.
REWARD = RewardConfig(engine=_engine(1.4e-3, warmup_steps=5, optimizer="muon"), global_batch_size=32, value_coef=0.1)
PPO = PPOConfig(
    # The average of the last steps' weights keeps what they have in common, not each one's noise.
    engine=_engine(1.5e-4, warmup_steps=5, kind="constant", ema_decay=0.85),
    value_learning_rate_factor=3.0,
    ppo=PPOSettings(
        total_episodes=1536,
        rollout_batch_size=128,
        minibatch_size=64,  # smaller ones follow the noise of a weak reward model (docs/experiments.md)
        num_ppo_epochs=1,
        logprobs="sampled",
        # The reward model's scale is not known beforehand, so a cut answer loses a fixed amount instead of getting a
        # fixed score.
        no_eos="subtract",
        no_eos_value=2.0,
    ),
    # Scores on answers of four temperatures spread by 0.5; with 0.05 the policy wandered off (docs/experiments.md).
    kl=KLSettings(kl_coef=0.2),
    ptx=PtxSettings(ptx_coef=0.1, ptx_ratio=0.25, ptx_length=64),
)

# What the shipped base solves most tasks with, of four ways tried on prompts of the train split (docs/experiments.md).
PROMPTED = PlainAsking(examples=1, asked="Job:", answered="Done:")


class QuickstartConfig(Strict):
    """The whole loop. The nested groups are the stages' own configurations; model, data and out are filled in here."""

    model: str = Field("desk", description="base model: desk (shipped), a folder, or a hub id")
    data: tuple[str, ...] = Field((), description="your own demonstrations or rankings; none = the built-in desk")
    out: str = Field("runs/quickstart", description="where everything goes")
    seed: int = Field(0, description="the seed of everything random")
    full: bool = Field(False, description="with the experiments that take up to 30 minutes")
    sft_rows: int = Field(9000, ge=1, description="desk demonstrations")
    sft_emphasis: dict[str, Annotated[float, Field(gt=0)]] = Field(
        # What a small model finds hardest; people ask for it no more often.
        {"other": 4.0, "brainstorming": 1.5},
        description="task -> how many times as often as people ask for it demonstrations of it are drawn",
    )
    rank_prompts: int = Field(12000, ge=2, description="prompts whose completions are ranked for training")
    heldout_rank_prompts: int = Field(500, ge=1, description="prompts ranked by the held-out labelers")
    rank_temperatures: tuple[float, ...] = Field(
        (0.7, 1.0, 1.3, 1.6), min_length=2, max_length=9, description="each ranked prompt is answered once at each"
    )
    labels_per_prompt: int = Field(5, ge=1, le=5, description="simulated labelers who rank each training prompt")
    ppo_prompts: int = Field(2000, ge=1, description="prompts to roll out on")
    ptx_rows: int = Field(800, ge=1, description="desk documents of the pretraining mix")
    eval_prompts: int = Field(500, ge=1, description="held-out prompts for every model")
    eval_documents: int = Field(150, ge=1, description="held-out documents for perplexity")
    eval_temperature: float = Field(0.7, ge=0, description="sampling temperature when measured; 0 = greedy")
    max_tokens: int = Field(48, ge=1, description="longest completion")
    prompted: PlainAsking = Field(PROMPTED, description="how the base is asked in plain text, for comparison")
    base_large: str = Field("", description="another base to compare with, asked like that: a folder or hub id")
    sft: SFTConfig = Field(SFT, description="supervised fine-tuning")
    reward: RewardConfig = Field(REWARD, description="reward model")
    ppo: PPOConfig = Field(PPO, description="PPO-ptx")
