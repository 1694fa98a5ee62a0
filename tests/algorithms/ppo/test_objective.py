"""The first minibatch (T-RL-3, 4, 5), the ptx term (T-RL-19), who gets a gradient (T-RL-21), padding (T-RL-22)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.algorithms.loop import gradient_of, task_of
from tests.algorithms.ppo.scene import Scene, policy_batches, settings_of, stir, value_batches
from tunesmith.algorithms.ppo.objective import PolicyBatch, PolicyValueBatch, PtxBatch, ValueBatch
from tunesmith.algorithms.ppo.ptx import PtxStream
from tunesmith.algorithms.sft import LanguageObjective, builder
from tunesmith.data.batch import TokenSequence, pack

DROPOUT = {"resid_pdrop": 0.4, "embd_pdrop": 0.4, "attn_pdrop": 0.4}
TEXT = [[5 + i, 6, 7, 8 + i, 9, 10] for i in range(12)]


BOTH = pytest.mark.parametrize("kind", ["separate", "shared"])


@BOTH
@pytest.mark.parametrize("logprobs", ["recompute", "sampled"])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize(("family", "more"), [("llama", {}), ("gpt2", DROPOUT)])
def test_t_rl_3_the_first_minibatch_has_ratio_1(
    family: str, more: dict[str, Any], temperature: float, logprobs: str, kind: Any
) -> None:
    """T-RL-3; at temperature 0.7, T-RL-4; with dropout in the configuration and networks in train mode, T-RL-5."""
    scene = Scene(family, more=more, value_model=kind)
    stir(scene.policy, size=0.1)
    scene.policy.train(bool(more))
    scene.value.trunk.train(bool(more))
    settings = settings_of(temperature=temperature, logprobs=logprobs)
    batches = scene.source(settings, tokens=32).next_step()
    assert batches is not None and len(policy_batches(batches)) > 1
    task = task_of(scene.modules, scene.objective(settings))
    report, _ = gradient_of(task, batches)
    metrics = {name: value for name, value in report.metrics.items() if value is not None}
    assert metrics["ppo/ratio"] == pytest.approx(1, abs=1e-5)
    assert metrics["ppo/approx_kl"] < 1e-9
    assert metrics["ppo/clip_fraction"] == 0 and metrics["ppo/value_clip_fraction"] == 0
    # Whitened over exactly these tokens, so the loss, which is minus their mean, is 0.
    assert metrics["ppo/policy_loss"] == pytest.approx(0, abs=1e-5)
    values = torch.cat([b.old_values for b in value_batches(batches)])
    returns = torch.cat([b.returns for b in value_batches(batches)])
    expected = 0.5 * (values - returns).square().mean().item()
    assert metrics["ppo/value_loss"] == pytest.approx(expected, rel=1e-4)


@BOTH
def test_t_rl_3_a_part_of_the_rollout_has_minus_the_mean_of_its_advantages(kind: Any) -> None:
    scene = Scene(value_model=kind)
    settings = settings_of(minibatch_size=4)
    batches = scene.source(settings).next_step()
    assert batches is not None
    advantages = torch.cat([b.advantages for b in policy_batches(batches)])
    report, _ = gradient_of(task_of(scene.modules, scene.objective(settings)), batches)
    assert abs(advantages.mean()) > 1e-3
    assert report.metrics["ppo/policy_loss"] == pytest.approx(-advantages.mean().item(), abs=1e-5)


def ptx_of(ratio: float = 1.0, *, size: int = 8) -> PtxStream:
    return PtxStream(TEXT, ptx_ratio=ratio, minibatch_size=size, micro_batch_tokens=32, seed=1)


@BOTH
def test_t_rl_19_the_gradient_is_ppos_plus_coef_times_the_language_models(kind: Any) -> None:
    scene = Scene(value_model=kind)
    stir(scene.policy, size=0.1)
    settings = settings_of()
    batches = scene.source(settings, ptx=ptx_of()).next_step()
    assert batches is not None
    objective = scene.objective(settings)
    coefs = {"value": 0.5, "ptx": 2.5}
    _, together = gradient_of(task_of(scene.modules, objective, coefs=coefs), batches)
    rl = [b for b in batches if not isinstance(b, PtxBatch)]
    _, ppo = gradient_of(task_of(scene.modules, objective, coefs=coefs), rl)
    text = [b for b in batches if isinstance(b, PtxBatch)]
    rows = [TokenSequence(TEXT[int(key.removeprefix("ptx:"))], [True] * 6, key) for batch in text for key in batch.keys]
    assert len(rows) == 8
    _, language = gradient_of(
        task_of({"policy": scene.policy}, LanguageObjective(scene.policy)), [builder("sft")(rows)]
    )
    assert max(g.abs().max().item() for g in language.values()) > 1e-2
    for name, gradient in together.items():
        expected = ppo[name] + 2.5 * language.get(name, torch.zeros_like(gradient))
        torch.testing.assert_close(gradient, expected, atol=1e-5, rtol=1e-4)


def test_t_rl_19_coefficient_0_is_bit_equal_to_no_ptx() -> None:
    results = []
    for ptx in (None, ptx_of()):
        scene = Scene()
        settings = settings_of()
        batches = scene.source(settings, ptx=ptx).next_step()
        assert batches is not None
        task = task_of(scene.modules, scene.objective(settings), coefs={"ptx": 0.0})
        results.append(gradient_of(task, batches)[1])
    assert results[0].keys() == results[1].keys()
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_t_rl_21_each_loss_reaches_its_own_network_only() -> None:
    scene = Scene()
    settings = settings_of()
    batches = scene.source(settings, ptx=ptx_of()).next_step()
    assert batches is not None
    objective = scene.objective(settings)
    kinds = {PolicyBatch: scene.policy, ValueBatch: scene.value.trunk, PtxBatch: scene.policy}
    for kind, own in kinds.items():
        networks = (scene.policy, scene.value.trunk, scene.reference, scene.reward)
        for network in networks:
            network.zero_grad(set_to_none=True)
        objective(next(b for b in batches if isinstance(b, kind))).loss_sum.backward()
        for network in networks:
            touched = any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
            assert touched == (network is own)


def test_t_rl_21_on_a_shared_trunk_both_losses_reach_the_policy_but_in_the_warm_up_only_the_head() -> None:
    scene = Scene(value_model="shared")
    settings = settings_of(total_episodes=16, value_warmup_iterations=1)
    source = scene.source(settings)
    networks = (scene.policy, scene.value.module, scene.reference, scene.reward)
    for kind, reached in ((ValueBatch, [False, True, False, False]), (PolicyValueBatch, [True, True, False, False])):
        batches = source.next_step()
        assert batches is not None and all(isinstance(b, kind) for b in batches)
        for network in networks:
            network.zero_grad(set_to_none=True)
        scene.objective(settings)(batches[0]).loss_sum.backward()
        touched = [any(p.grad is not None and p.grad.any() for p in n.parameters()) for n in networks]
        assert touched == reached


@BOTH
@pytest.mark.parametrize("waste", [0.0, 0.95])
def test_t_rl_22_metrics_do_not_change_with_padding(waste: float, kind: Any) -> None:
    scene = Scene(value_model=kind)
    stir(scene.policy, size=0.1)
    settings = settings_of()
    batches = scene.source(settings, tokens=10_000).next_step()
    assert batches is not None
    (policy,) = policy_batches(batches)
    stir(scene.policy, size=0.02, seed=3)
    objective = scene.objective(settings)
    episodes = sequences_of(policy)
    padded = pack(episodes, max_waste=waste)
    if waste:
        assert padded.layout.length > policy.batch.layout.length, "there is more padding"
    for one in batches:
        expected, found = objective(one).metrics, objective(replace(one, batch=padded)).metrics
        assert expected.keys() == found.keys()
        for name in expected:
            assert found[name].weight == expected[name].weight
            assert found[name].total == pytest.approx(expected[name].total, abs=1e-4, rel=1e-5), name
    entropy = objective(policy).metrics["ppo/entropy"]
    assert 0 <= entropy.total / entropy.weight <= math.log(scene.vocab)


def sequences_of(micro: PolicyBatch) -> list[TokenSequence]:
    """The sequences behind a packed batch."""
    batch, out = micro.batch, []
    for number, last in enumerate(batch.last.tolist()):
        length = int(batch.positions[last]) + 1
        learned = int((batch.owner == number).sum())
        ids = batch.ids[last - length + 1 : last + 1].tolist()
        out.append(TokenSequence(ids, [False] * (length - learned) + [True] * learned, batch.keys[number]))
    return out
