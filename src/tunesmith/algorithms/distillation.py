"""Generalised knowledge distillation: the student learns from the teacher's distribution at the student's own tokens.

    loss = sum over completion tokens of D_beta(teacher || student) / number of completion tokens of the step

At each step a coin that shows heads with probability `lmbda` (the paper's lambda) decides whose completions they are:
the student's own, sampled at that moment with the weights of that moment, or those of the data (Agarwal et al., arXiv
2306.13649, algorithm 1). No gradient goes through the sampling. lmbda = 0 with beta = 0 is supervised distillation on
the data's completions; lmbda = 1 is purely on-policy. The coin and the sampling seed belong to (seed, step), so a
resumed run tosses and samples the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.algorithms.packed_batch import CountedBatch
from tunesmith.algorithms.rollout import Episode, episodes_of
from tunesmith.core.config import Strict
from tunesmith.core.errors import DataError
from tunesmith.data.batch import TokenBatch, TokenSequence, pack
from tunesmith.data.chunks import split_by_tokens
from tunesmith.data.cycle import Cycle
from tunesmith.losses.distillation import Divergence, Projected, divergence_sum
from tunesmith.model.generate import Sampling, generate
from tunesmith.model.network import hidden_states, projection
from tunesmith.train.dataset_source import Walk
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch, StateTree


class DistillationSettings(Strict):
    """Divergence, and whose completions are learned from. `beta` and `lmbda` as in TRL's GKD."""

    lmbda: float = Field(0.5, ge=0, le=1, description="share of steps on the student's own samples (lambda)")
    beta: float = Field(0.5, ge=0, le=1, description="0: forward KL, 1: reverse KL, between: generalised JSD")
    temperature: float = Field(1.0, gt=0, description="divides the logits of student and teacher, and samples")
    max_tokens: int = Field(64, ge=1, description="longest completion that the student samples, in tokens")


@dataclass(frozen=True, slots=True)
class DistillBatch(CountedBatch):
    """Packed sequences whose completion tokens are compared. `weight`: those tokens."""

    metrics: dict[str, MetricSum] = field(default_factory=dict)


class StudentSampler:
    """Answers prompts with the student's weights of the moment."""

    def __init__(self, student: PreTrainedModel, *, settings: DistillationSettings, stop_ids: Sequence[int]) -> None:
        self._student = student
        self._settings = settings
        self._stop_ids = tuple(stop_ids)

    def sample(self, prompts: Sequence[tuple[list[int], str]], *, seed: int) -> list[Episode]:
        """Return one sampled completion of each (ids, key) prompt."""
        s = self._settings
        sampling = Sampling(max_tokens=s.max_tokens, temperature=s.temperature, seed=seed)
        generated = generate(self._student, [ids for ids, _ in prompts], stop_ids=self._stop_ids, sampling=sampling)
        return episodes_of(prompts, generated)


class DistillSource:
    """A `StepSource`: each step samples from the student, or takes rows of the data."""

    def __init__(
        self,
        *,
        sampler: StudentSampler,
        prompts: Sequence[tuple[list[int], str]],
        rows: Sequence[TokenSequence],
        lmbda: float,
        walk: Walk,
    ) -> None:
        """`prompts` are answered by the student, `rows` are the data's; each may be empty if lmbda never asks for it.

        Raises:
            DataError: there is nothing to learn from.
        """
        if (lmbda > 0 and not prompts) or (lmbda < 1 and not rows):
            raise DataError("nothing to distil from", where="data")
        self._sampler = sampler
        self._prompts = prompts
        self._rows = rows
        self._lmbda = lmbda
        self._walk = walk
        self._asked = Cycle(len(prompts), seed=walk.seed)
        self._read = Cycle(len(rows), seed=walk.seed)
        self._step = 0
        passes = walk.num_train_epochs * max(len(prompts), len(rows))
        self.total_steps = walk.max_steps or ceil(passes / walk.global_batch_size)

    def next_step(self) -> Sequence[MicroBatch] | None:
        """Return the next step's sequences."""
        if self._step >= self.total_steps:
            return None
        coin, sampling = np.random.SeedSequence([self._walk.seed, self._step]).generate_state(2, np.uint64)
        on_policy = int(coin) < self._lmbda * 2.0**64
        self._step += 1
        size = self._walk.global_batch_size
        metrics = {"distill/on_policy": MetricSum(float(on_policy), 1.0)}
        if on_policy:
            chosen, sampled = self._sampled(size, int(sampling))
            metrics |= sampled
        else:
            chosen = [self._rows[i] for i in self._read.take(size)]
        out = []
        for part in split_by_tokens(
            range(len(chosen)), [len(row.ids) for row in chosen], self._walk.micro_batch_tokens
        ):
            out.append(DistillBatch("distill", pack([chosen[i] for i in part]), metrics))
            metrics = {}
        return out

    def _sampled(self, size: int, seed: int) -> tuple[list[TokenSequence], dict[str, MetricSum]]:
        episodes = self._sampler.sample([self._prompts[i] for i in self._asked.take(size)], seed=seed)
        n = float(len(episodes))
        metrics = {
            "distill/length": MetricSum(float(sum(len(e.completion) for e in episodes)), n),
            "distill/finished": MetricSum(float(sum(e.finished for e in episodes)), n),
        }
        return [e.sequence() for e in episodes], metrics

    def state_dict(self) -> StateTree:
        """Return the step and both cycles; nothing sampled outlives its step."""
        return {"step": self._step, "prompts": self._asked.state_dict(), "rows": self._read.state_dict()}

    def load_state_dict(self, state: StateTree) -> None:
        """Continue there."""
        self._step = int(state["step"])
        self._asked.load_state_dict(state["prompts"])
        self._read.load_state_dict(state["rows"])


class DistillObjective:
    """The divergence of a frozen teacher's distribution and the student's, summed over completion tokens."""

    def __init__(self, student: PreTrainedModel, teacher: PreTrainedModel, settings: DistillationSettings) -> None:
        self._student = student
        self._teacher = teacher
        self._settings = settings

    def __call__(self, micro_batch: MicroBatch) -> LossOutput:
        """Return the loss sum; dropout is off, as in the sampling."""
        micro = cast(DistillBatch, micro_batch)
        found = self.divergence(micro.batch)
        loss = MetricSum(float(found.total.detach()), micro.weight)
        return LossOutput(found.total, {"distill/loss": loss, **micro.metrics})

    def divergence(self, batch: TokenBatch) -> Divergence:
        """Return the divergence at a batch's targets."""
        self._student.eval()
        batch = batch.to(self._student.device)
        with torch.no_grad():
            theirs = _projected(self._teacher, batch)
        ours = _projected(self._student, batch)
        # Embeddings padded to a round number differ between sizes of one family; no token lies there.
        words = min(len(ours.weight), len(theirs.weight))
        s = self._settings
        return divergence_sum(_of_words(ours, words), _of_words(theirs, words), beta=s.beta, temperature=s.temperature)


@torch.no_grad()
def mean_divergence(objective: DistillObjective, batches: Sequence[TokenBatch]) -> float:
    """Return the mean divergence of held-out rows, in nats a completion token, with dropout off."""
    total = sum(float(objective.divergence(batch).total) for batch in batches)
    return total / max(1, sum(len(batch.targets) for batch in batches))


def _projected(network: PreTrainedModel, batch: TokenBatch) -> Projected:
    weight, bias, softcap, scale = projection(network)
    hidden: Tensor = hidden_states(network, batch).index_select(0, batch.source)
    return Projected(hidden if scale == 1.0 else hidden * scale, weight, bias, softcap)


def _of_words(side: Projected, words: int) -> Projected:
    if len(side.weight) == words:
        return side
    return side._replace(weight=side.weight[:words], bias=None if side.bias is None else side.bias[:words])
