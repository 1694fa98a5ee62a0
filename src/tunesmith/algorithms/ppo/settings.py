"""PPO's numbers. Every choice the papers leave open is a named option here (docs/papers.md, rlhf_spec section 8)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tunesmith.core.config import Strict


class PPOSettings(Strict):
    """Rollouts, reward and clipping. Defaults are InstructGPT's (appendix C.4) where the paper gives them."""

    total_episodes: int = Field(8192, ge=1, description="episodes in all; the paper used 256k")
    rollout_batch_size: int = Field(512, ge=1, description="episodes generated before each round of updates")
    minibatch_size: int = Field(64, ge=1, description="episodes in one optimizer step; must divide rollout_batch_size")
    num_ppo_epochs: int = Field(1, ge=1, description="passes over each rollout batch (inner epochs)")
    max_tokens: int = Field(64, ge=1, description="longest completion, in tokens")
    temperature: float = Field(1.0, gt=0, description="sampling temperature; it divides the logits of every log-prob")
    gamma: float = Field(1.0, ge=0, le=1, description="discount")
    lam: float = Field(0.95, ge=0, le=1, description="GAE lambda; the paper does not say, its code lineage uses 0.95")
    clip_range: float = Field(0.2, gt=0, description="policy ratio clip")
    value_clip_range: float | None = Field(0.2, description="value clip; null = off")
    value_model: Literal["separate", "shared"] = Field(
        "separate",
        description="separate: a network that starts as the reward model's copy; shared: a head on the policy's trunk "
        "that starts at 0 for every state and is not saved with the model (Ziegler et al. 2019)",
    )
    value_warmup_iterations: int = Field(
        0,
        ge=0,
        description="first rollout batches from which only the value model learns, its head if the trunk is shared "
        "(arXiv 2307.04964)",
    )
    value_coef: float = Field(
        0.5, ge=0, description="weight of the value loss (0.5 (V - R)^2); code with a shared trunk often has 0.1"
    )
    no_eos: Literal["replace", "subtract", "none"] = Field(
        "replace", description="what happens to the score of a completion cut at max_tokens"
    )
    no_eos_value: float = Field(-1.0, description="the replacing score, or how much is subtracted")
    score_clip: float | None = Field(None, gt=0, description="scores are clipped to +- this; null = off")
    whiten_rewards: bool = Field(False, description="divide per-token rewards by their std, mean kept")
    whiten_advantages: bool = Field(True, description="advantages to mean 0, variance 1 over the rollout batch")
    unbiased_variance: bool = Field(False, description="n - 1 instead of n in whitening")
    logprobs: Literal["recompute", "sampled"] = Field(
        "recompute",
        description="old log-probs: by the trainer's forward pass, or as sampled (equal to 1e-5 in fp32; saves it)",
    )

    @model_validator(mode="after")
    def _divides(self) -> PPOSettings:
        if self.rollout_batch_size % self.minibatch_size:
            raise ValueError(
                f"minibatch_size {self.minibatch_size} does not divide rollout_batch_size {self.rollout_batch_size}"
            )
        if self.value_warmup_iterations >= self.iterations:
            raise ValueError(
                f"value_warmup_iterations {self.value_warmup_iterations} leave none of the {self.iterations} iterations"
                " to the policy"
            )
        if self.value_warmup_iterations and self.value_coef == 0:
            raise ValueError(
                f"value_warmup_iterations {self.value_warmup_iterations} with value_coef 0: nothing would learn in them"
            )
        return self

    @property
    def iterations(self) -> int:
        """Rollout batches in all."""
        return -(-self.total_episodes // self.rollout_batch_size)

    @property
    def steps_per_iteration(self) -> int:
        """Optimizer steps for each rollout batch: 8 for 512 / 64 / 1 epoch (T-RL-18)."""
        return self.num_ppo_epochs * (self.rollout_batch_size // self.minibatch_size)


class KLSettings(Strict):
    """The penalty that keeps the policy near the reference: k1 in the reward, detached."""

    kl_coef: float = Field(0.02, ge=0, description="beta of InstructGPT's eq. 2; the starting value in adaptive mode")
    kl_mode: Literal["fixed", "adaptive"] = Field("fixed", description="adaptive: Ziegler et al. 2019")
    kl_target: float = Field(6.0, gt=0, description="adaptive: nats a completion")
    kl_horizon: int = Field(10_000, ge=1, description="adaptive: episodes")


class PtxSettings(Strict):
    """The pretraining mix: each optimizer step also learns from pretraining text (PPO-ptx, InstructGPT eq. 2)."""

    ptx_coef: float = Field(
        0.0,
        ge=0,
        description="weight of the mean log-likelihood of a pretraining token; the paper's 27.8 belongs to its own "
        "normalisation: tune it anew",
    )
    ptx_ratio: float = Field(8.0, gt=0, description="pretraining rows for each episode of a minibatch")
    ptx_length: int = Field(128, ge=2, description="tokens of one pretraining row")
