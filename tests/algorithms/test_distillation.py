"""GKD: whose completions a step learns from, the teacher's distribution at the student's tokens, resume (T-RES-4)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from tests.algorithms.loop import gradient_of, task_of, train
from tests.small import network_of
from tunesmith.algorithms.distillation import (
    DistillationSettings,
    DistillBatch,
    DistillObjective,
    DistillSource,
    StudentSampler,
    mean_divergence,
)
from tunesmith.core.errors import DataError
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.train.dataset_source import Walk

PROMPTS = [([5 + i, 6, *range(7, 7 + i % 4)], f"p{i}") for i in range(8)]
ROWS = [TokenSequence([*ids, 20, 21, 2], [False] * len(ids) + [True] * 3, f"r{key}") for ids, key in PROMPTS]


class Scene:
    """A student and a teacher that differs from it."""

    def __init__(self, family: str = "llama", *, noise: float = 0.3, **settings: Any) -> None:
        self.student = network_of(family, 24)
        self.teacher = copy.deepcopy(self.student).eval().requires_grad_(False)
        for p in self.teacher.parameters():
            p.add_(noise * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
        self.settings = DistillationSettings(**{"max_tokens": 6, **settings})
        self.objective = DistillObjective(self.student, self.teacher, self.settings)

    def source(self, *, tokens: int = 10_000, seed: int = 0, steps: int | None = None, **more: Any) -> DistillSource:
        walk = Walk(
            global_batch_size=4,
            micro_batch_tokens=tokens,
            num_train_epochs=2.0,
            max_steps=steps,
            seed=seed,
            rank=0,
            world_size=1,
        )
        sampler = StudentSampler(self.student, settings=self.settings, stop_ids=(2,))
        given = {"prompts": PROMPTS, "rows": ROWS, **more}
        return DistillSource(sampler=sampler, lmbda=self.settings.lmbda, walk=walk, **given)

    def task(self, source: DistillSource | None = None) -> Any:
        return task_of({"student": self.student}, self.objective, source=source)


def steps_of(source: DistillSource) -> list[list[DistillBatch]]:
    steps = []
    while (batches := source.next_step()) is not None:
        steps.append([b for b in batches if isinstance(b, DistillBatch)])
    return steps


@pytest.mark.parametrize(("lmbda", "share"), [(0.0, 0), (0.5, 0.5), (1.0, 1)])
def test_lambda_is_the_share_of_steps_on_the_students_own_samples(lmbda: float, share: float) -> None:
    steps = steps_of(Scene(lmbda=lmbda).source(steps=60))
    sampled = [step[0].metrics["distill/on_policy"].total for step in steps]
    assert len(steps) == 60 and abs(sum(sampled) / 60 - share) < 0.15
    for step, own in zip(steps, sampled, strict=True):
        keys = [k for b in step for k in b.keys]
        assert len(keys) == 4 and all(k.startswith("p" if own else "rp") for k in keys)
        assert ("distill/length" in step[0].metrics) == bool(own)


def test_each_row_comes_once_a_pass_and_the_passes_say_how_many_steps() -> None:
    steps = steps_of(Scene(lmbda=0).source())
    assert len(steps) == 4
    for first in (0, 2):
        keys = sorted(k for step in steps[first : first + 2] for b in step for k in b.keys)
        assert keys == sorted(row.key for row in ROWS)


def test_what_lambda_asks_for_must_be_there() -> None:
    with pytest.raises(DataError, match="nothing to distil"):
        Scene(lmbda=0.5).source(rows=[])
    with pytest.raises(DataError, match="nothing to distil"):
        Scene(lmbda=0.5).source(prompts=[])
    assert Scene(lmbda=1).source(rows=[]).total_steps == Scene(lmbda=0).source(prompts=[]).total_steps == 4


@pytest.mark.parametrize("lmbda", [0.0, 1.0])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_loss_is_the_mean_divergence_at_the_completions_tokens(beta: float, lmbda: float) -> None:
    """Against logits of both models on each sequence alone, through transformers' own forward pass."""
    scene = Scene(lmbda=lmbda, beta=beta, temperature=0.8)
    batches = scene.source().next_step()
    assert batches is not None
    total = count = 0.0
    for batch in batches:
        assert isinstance(batch, DistillBatch)
        total += _by_hand(scene, batch, beta)
        count += len(batch.batch.targets)
    report, gradients = gradient_of(scene.task(), batches)
    assert report.loss == pytest.approx(total / count, rel=1e-4)
    assert report.metrics["distill/loss"] == pytest.approx(total / count, rel=1e-4)
    assert max(g.abs().max().item() for g in gradients.values()) > 1e-4


def _plain(network: PreTrainedModel) -> PreTrainedModel:
    """Return the same weights behind transformers' own attention."""
    plain = AutoModelForCausalLM.from_config(copy.deepcopy(network.config), attn_implementation="eager").eval()
    plain.load_state_dict(network.state_dict())
    return plain


def _by_hand(scene: Scene, batch: DistillBatch, beta: float) -> float:
    total = 0.0
    b = batch.batch
    for owner in range(b.sequences):
        places = b.source[b.owner == owner]
        targets = b.targets[b.owner == owner]
        start = next(i for i, key in enumerate(batch.keys) if i == owner)
        prompt = next(ids for ids, key in PROMPTS if batch.keys[start].endswith(key))
        ids = torch.tensor([[*prompt, *targets.tolist()]])
        assert b.ids[places[0]] == prompt[-1]
        with torch.no_grad():
            p, q = (
                (m(input_ids=ids).logits[0, len(prompt) - 1 : -1] / 0.8).double().log_softmax(-1)
                for m in map(_plain, (scene.teacher, scene.student))
            )
        r = torch.log(beta * p.exp() + (1 - beta) * q.exp())
        forward, reverse = (p.exp() * (p - q)).sum(-1), (q.exp() * (q - p)).sum(-1)
        between = beta * (p.exp() * (p - r)).sum(-1) + (1 - beta) * (q.exp() * (q - r)).sum(-1)
        total += float({0.0: forward, 1.0: reverse}.get(beta, between).sum())
    return total


def test_t_ga_8_a_step_does_not_depend_on_its_micro_batches() -> None:
    results = []
    for tokens in (10_000, 12):
        scene = Scene(lmbda=1.0)
        batches = scene.source(tokens=tokens).next_step()
        assert batches is not None
        results.append((len(batches), *gradient_of(scene.task(), batches)))
    assert results[0][0] == 1 < results[1][0]
    assert results[1][1].loss == pytest.approx(results[0][1].loss, rel=1e-4)
    for name, gradient in results[1][2].items():
        torch.testing.assert_close(gradient, results[0][2][name], atol=2e-5, rtol=1e-3)


def test_a_student_that_is_its_teacher_learns_nothing() -> None:
    scene = Scene(noise=0.0, lmbda=1.0)
    batches = scene.source().next_step()
    assert batches is not None
    report, gradients = gradient_of(scene.task(), batches)
    assert abs(report.loss) < 1e-6
    assert max(g.abs().max().item() for g in gradients.values()) < 1e-6


@pytest.mark.parametrize("stop", [1, 3])
def test_t_res_4_a_source_goes_on_as_it_was(stop: int) -> None:
    scene = Scene()
    begun, resumed = scene.source(steps=6), scene.source(steps=6)
    for _ in range(stop):
        begun.next_step()
    resumed.load_state_dict(begun.state_dict())
    left = steps_of(begun)
    assert len(left) == 6 - stop
    for one, other in zip(left, steps_of(resumed), strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.keys == b.keys and torch.equal(a.batch.ids, b.batch.ids) and a.metrics == b.metrics


def test_padded_embeddings_of_another_size_are_left_out() -> None:
    scene = Scene(lmbda=0)
    before = mean_divergence(scene.objective, [pack(ROWS)])
    scene.teacher.resize_token_embeddings(32, mean_resizing=False)
    assert len(scene.teacher.get_output_embeddings().weight) == 32
    assert mean_divergence(scene.objective, [pack(ROWS)]) == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_student_comes_nearer_to_its_teacher_on_its_own_samples(beta: float) -> None:
    scene = Scene(lmbda=1.0, beta=beta)
    rows = train(scene.task(scene.source(steps=40)), rate=5e-3)
    first, last = (sum(row["distill/loss"] for row in part) / 5 for part in (rows[:5], rows[-5:]))
    assert last < 0.6 * first
