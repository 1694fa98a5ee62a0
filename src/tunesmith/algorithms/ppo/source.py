"""PPO's step source: the only live loop, generate <-> update, closed inside this package.

for each iteration:  draw prompts -> make experience -> for each inner epoch: a fresh permutation, cut into minibatches
each minibatch is one optimizer step: policy + value micro-batches (one for both where they share the trunk), and ptx
micro-batches when asked for; in the first `value_warmup_iterations` value micro-batches alone, so that the policy never
follows an untrained value model
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tunesmith.algorithms.ppo.experience import Experience, ExperienceMaker
from tunesmith.algorithms.ppo.objective import PolicyBatch, PolicyValueBatch, PtxBatch, ValueBatch
from tunesmith.algorithms.ppo.ptx import PtxStream
from tunesmith.algorithms.ppo.settings import PPOSettings
from tunesmith.algorithms.rollout import pack_episodes, token_slices
from tunesmith.core.errors import DataError
from tunesmith.data.chunks import split_by_tokens
from tunesmith.data.cycle import Cycle
from tunesmith.losses.kl import AdaptiveKLController
from tunesmith.train.objective import MetricSum, MicroBatch, StateTree


class PPOSource:
    """A `StepSource`; its state holds the experience in hand, so that a resumed run is bit-equal (T-RES-4)."""

    def __init__(
        self,
        *,
        maker: ExperienceMaker,
        prompts: Sequence[tuple[list[int], str]],
        ptx: PtxStream | None,
        settings: PPOSettings,
        controller: AdaptiveKLController,
        micro_batch_tokens: int,
        seed: int,
    ) -> None:
        if not prompts:
            raise DataError("no prompts to roll out", where="data")
        self._maker = maker
        self._prompts = prompts
        self._ptx = ptx
        self._settings = settings
        self._controller = controller
        self._tokens = micro_batch_tokens
        self._seed = seed
        self._cycle = Cycle(len(prompts), seed=seed)
        self._experience: Experience | None = None
        self._step = 0
        self.total_steps = settings.iterations * settings.steps_per_iteration

    @property
    def iteration(self) -> int:
        """Rollout batches that were begun and are behind us."""
        return self._step // self._settings.steps_per_iteration

    def next_step(self) -> Sequence[MicroBatch] | None:
        """Return the next minibatch's micro-batches; makes experience when the last is used up."""
        if self._step >= self.total_steps:
            return None
        inner = self._step % self._settings.steps_per_iteration
        metrics: dict[str, MetricSum] = {}
        if inner == 0:
            metrics = self._roll_out()
        assert self._experience is not None
        micro_batches = self._minibatch(self._experience, inner, metrics)
        self._step += 1
        return micro_batches

    def _roll_out(self) -> dict[str, MetricSum]:
        if self._experience is not None:
            self._controller.update(self._experience.mean_kl(), len(self._experience.episodes))
        chosen = [self._prompts[i] for i in self._cycle.take(self._settings.rollout_batch_size)]
        seed = int(np.random.SeedSequence([self._seed, self.iteration]).generate_state(1, np.uint64)[0])
        kl_coef = self._controller.coef
        self._experience = self._maker.make(chosen, kl_coef=kl_coef, seed=seed)
        return self._experience.metrics(kl_coef)

    def _order(self, epoch: int) -> list[int]:
        """Return the inner epoch's permutation: fresh each time, a function of (seed, iteration, epoch)."""
        generator = np.random.default_rng([self._seed, 2, self.iteration, epoch])
        return [int(i) for i in generator.permutation(self._settings.rollout_batch_size)]

    def _minibatch(
        self, experience: Experience, inner: int, metrics: dict[str, MetricSum]
    ) -> list[PolicyBatch | ValueBatch | PolicyValueBatch | PtxBatch]:
        size = self._settings.minibatch_size
        epoch, place = divmod(inner, self._settings.rollout_batch_size // size)
        members = self._order(epoch)[place * size : (place + 1) * size]
        slices = token_slices(experience.episodes)
        sizes = [e.size for e in experience.episodes]
        warming_up = self.iteration < self._settings.value_warmup_iterations
        out: list[PolicyBatch | ValueBatch | PolicyValueBatch | PtxBatch] = []
        for part in split_by_tokens(members, sizes, self._tokens):
            batch = pack_episodes([experience.episodes[i] for i in part])
            where = [slices[i] for i in part]
            old, advantages, values, returns = (
                torch.cat([t[w] for w in where])
                for t in (experience.logprobs, experience.advantages, experience.values, experience.returns)
            )
            policy = PolicyBatch("policy", batch, old, advantages)
            value = ValueBatch("value", batch, values, returns, metrics)
            if warming_up:
                out.append(value)
            elif self._maker.shared:
                out.append(PolicyValueBatch("policy_value", batch, policy, value))
            else:
                out += [policy, value]
            metrics = {}
        return out if self._ptx is None or warming_up else [*out, *self._ptx.take()]

    def state_dict(self) -> StateTree:
        """Return counters, the prompt and pretraining cycles, the KL controller, and the experience in hand."""
        return {
            "step": self._step,
            "prompts": self._cycle.state_dict(),
            "ptx": None if self._ptx is None else self._ptx.state_dict(),
            "kl": self._controller.state_dict(),
            "experience": None if self._experience is None else self._experience.state_dict(),
        }

    def load_state_dict(self, state: StateTree) -> None:
        """Continue there."""
        self._step = int(state["step"])
        self._cycle.load_state_dict(state["prompts"])
        if self._ptx is not None:
            self._ptx.load_state_dict(state["ptx"])
        self._controller.load_state_dict(state["kl"])
        self._experience = None if state["experience"] is None else Experience.from_state(state["experience"])
