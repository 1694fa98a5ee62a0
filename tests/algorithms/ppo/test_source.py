"""The loop: T-RL-18 (partition), T-RL-25 (bandit), T-RL-27 (constant scores), T-RL-32 (learnability), T-RES-4."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.algorithms.loop import task_of, train
from tests.algorithms.ppo.scene import PROMPTS, Scene, policy_batches, settings_of, value_batches
from tunesmith.algorithms.ppo.objective import PtxBatch
from tunesmith.algorithms.ppo.ptx import PtxStream
from tunesmith.algorithms.ppo.settings import PPOSettings
from tunesmith.algorithms.ppo.source import PPOSource
from tunesmith.algorithms.rollout import Episode
from tunesmith.core.errors import DataError
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.losses.kl import AdaptiveKLController
from tunesmith.model.network import hidden_states, logits_at

BOTH = pytest.mark.parametrize("kind", ["separate", "shared"])


def keys_of(source: PPOSource) -> list[list[str]]:
    """The prompts of every step; policy and value micro-batches must agree on them."""
    steps = []
    while (batches := source.next_step()) is not None:
        policy = [key for b in policy_batches(batches) for key in b.keys]
        assert policy == [key for b in value_batches(batches) for key in b.keys]
        steps.append(policy)
    return steps


def test_t_rl_18_512_episodes_in_minibatches_of_64_make_8_steps() -> None:
    assert PPOSettings(total_episodes=512).steps_per_iteration == 8
    assert PPOSettings(total_episodes=512).iterations == 1
    assert PPOSettings(total_episodes=513, num_ppo_epochs=4).iterations == 2
    assert PPOSettings(total_episodes=513, num_ppo_epochs=4).steps_per_iteration == 32


@BOTH
@pytest.mark.parametrize("tokens", [20, 10_000])
def test_t_rl_18_each_inner_epoch_is_a_partition_of_the_rollout_in_another_order(tokens: int, kind: Any) -> None:
    settings = settings_of(total_episodes=32, rollout_batch_size=16, minibatch_size=4, num_ppo_epochs=3)
    steps = keys_of(Scene(value_model=kind).source(settings, tokens=tokens))
    assert len(steps) == 2 * 3 * 4
    orders = []
    for first in range(0, len(steps), 4):
        epoch = steps[first : first + 4]
        assert [len(keys) for keys in epoch] == [4] * 4
        assert sorted(key for keys in epoch for key in keys) == sorted(key for _, key in PROMPTS)
        orders.append(tuple(frozenset(keys) for keys in epoch))
    assert len(set(orders)) == 6, "every inner epoch is cut differently"


@pytest.mark.parametrize(("kind", "after"), [("separate", {"policy", "value"}), ("shared", {"policy_value"})])
def test_in_the_warm_up_only_the_value_model_learns(kind: Any, after: set[str]) -> None:
    scene = Scene(value_model=kind)
    settings = settings_of(total_episodes=24, rollout_batch_size=8, minibatch_size=4, value_warmup_iterations=1)
    ptx = PtxStream([[5, 6, 7]], ptx_ratio=1.0, minibatch_size=4, micro_batch_tokens=64, seed=0)
    source = scene.source(settings, ptx=ptx)
    kinds = []
    while (batches := source.next_step()) is not None:
        kinds.append({b.kind for b in batches})
        assert any(b.rollout_metrics for b in value_batches(batches)) == (len(kinds) % 2 == 1)
    assert kinds == [{"value"}] * 2 + [{*after, "ptx"}] * 4
    with pytest.raises(ValueError, match="leave none of the 3 iterations"):
        settings_of(total_episodes=24, rollout_batch_size=8, minibatch_size=4, value_warmup_iterations=3)
    with pytest.raises(ValueError, match="value_coef 0: nothing would learn"):
        settings_of(value_warmup_iterations=1, value_coef=0.0)


@BOTH
def test_every_token_carries_its_own_numbers_into_the_minibatch(kind: Any) -> None:
    """The flat tensors of a micro-batch follow the packing order, whatever the permutation and the sizes."""
    scene = Scene(value_model=kind)
    source = scene.source(settings_of(minibatch_size=4), tokens=24)
    for _ in range(2):
        batches = source.next_step()
        assert batches is not None
        experience = source._experience
        assert experience is not None
        by_key, at = {}, 0
        for e in experience.episodes:
            n = len(e.completion)
            columns = (experience.logprobs, experience.advantages, experience.values, experience.returns)
            by_key[e.key] = (e.completion, [t[at : at + n] for t in columns])
            at += n
        for one, other in zip(policy_batches(batches), value_batches(batches), strict=True):
            assert one.batch is other.batch
            for number, key in enumerate(one.keys):
                mine = one.batch.owner == number
                ids, columns = by_key[key]
                assert one.batch.targets[mine].tolist() == ids
                for found, expected in zip(
                    (one.old_logprobs, one.advantages, other.old_values, other.returns), columns, strict=True
                ):
                    assert torch.equal(found[mine], expected)


@BOTH
def test_t_res_4_a_source_in_the_middle_of_a_rollout_goes_on_as_it_was(kind: Any) -> None:
    """Straight and resumed, every tensor of every later step is equal; the networks stand still here."""
    settings = settings_of(total_episodes=24, minibatch_size=4, num_ppo_epochs=2)

    def make() -> PPOSource:
        stream = PtxStream(
            [[5, 6, 7 + i] for i in range(5)], ptx_ratio=0.5, minibatch_size=4, micro_batch_tokens=9, seed=2
        )
        source = scene.source(settings, ptx=stream)
        source._controller = AdaptiveKLController(0.1, target=0.01, horizon=50)
        return source

    scene = Scene(value_model=kind)
    straight = make()
    for stop in (1, 4, 6):
        begun = make()
        for _ in range(stop):
            begun.next_step()
        resumed = make()
        resumed.load_state_dict(begun.state_dict())
        while (expected := begun.next_step()) is not None:
            assert_equal(resumed.next_step(), expected)
        assert resumed.next_step() is None
        assert resumed.state_dict()["kl"] == begun.state_dict()["kl"]
    assert straight.total_steps == 12


def assert_equal(one: Sequence[Any] | None, other: Sequence[Any]) -> None:
    assert one is not None
    for a, b in zip(one, other, strict=True):
        assert type(a) is type(b) and a.keys == b.keys and torch.equal(a.batch.ids, b.batch.ids)
    for c, d in zip(policy_batches(one), policy_batches(other), strict=True):
        assert torch.equal(c.old_logprobs, d.old_logprobs) and torch.equal(c.advantages, d.advantages)
    for e, f in zip(value_batches(one), value_batches(other), strict=True):
        assert torch.equal(e.old_values, f.old_values) and torch.equal(e.returns, f.returns)
        assert e.rollout_metrics == f.rollout_metrics


def test_every_rollout_draws_new_samples_and_the_coefficient_of_the_moment() -> None:
    scene = Scene()
    settings = settings_of(total_episodes=24)
    source = scene.source(settings, prompts=PROMPTS[:1])
    source._controller = AdaptiveKLController(0.1, target=1e9, horizon=50)
    seen, coefficients = [], []
    while (batches := source.next_step()) is not None:
        assert source._experience is not None
        seen.append([e.completion for e in source._experience.episodes])
        found = value_batches(batches)
        # Rollout metrics are logged once a rollout.
        assert [bool(b.rollout_metrics) for b in found] == [True] + [False] * (len(found) - 1)
        total, weight = found[0].rollout_metrics["ppo/kl_coef"]
        coefficients.append(total / weight)
    assert seen[0] != seen[1] != seen[2]
    # Far under the target, the coefficient falls by the clamp: 1 - 0.2 * 8 / 50.
    assert coefficients == pytest.approx([0.1, 0.1 * 0.968, 0.1 * 0.968**2])


def test_no_prompts_are_refused() -> None:
    with pytest.raises(DataError, match="no prompts"):
        Scene().source(settings_of(), prompts=[])


# Behaviour.


def learn(
    scene: Scene,
    score: Callable[[Sequence[Episode]], Tensor],
    settings: PPOSettings,
    *,
    kl_coef: float,
    rate: float = 6e-3,
    final_ratio: float = 1.0,
    prompts: Sequence[tuple[list[int], str]] = PROMPTS,
) -> list[dict[str, float]]:
    source = scene.source(settings, score, kl_coef=kl_coef, prompts=prompts, tokens=10_000)
    task = task_of(scene.modules, scene.objective(settings), source=source, coefs={"value": settings.value_coef})
    rows = train(task, rate=rate, final_ratio=final_ratio)
    return [row for row in rows if "ppo/score" in row]


LEARN = {"total_episodes": 32 * 12, "rollout_batch_size": 32, "minibatch_size": 32, "num_ppo_epochs": 2}


def share_of_9(episodes: Sequence[Episode]) -> Tensor:
    return torch.tensor([float(e.completion.count(9)) for e in episodes])


def ends(rows: Sequence[dict[str, float]], name: str) -> tuple[float, float]:
    """The mean of the first and of the last three rollouts."""
    values = [row[name] for row in rows]
    return sum(values[:3]) / 3, sum(values[-3:]) / 3


@BOTH
def test_t_rl_32_a_count_of_a_token_rises_and_so_does_the_kl(kind: Any) -> None:
    scene = Scene(stop=(2,), value_model=kind, new_head=True)
    rows = learn(scene, share_of_9, settings_of(**LEARN, max_tokens=8), kl_coef=0.01, rate=1e-3)
    first, last = ends(rows, "ppo/score")
    assert last > first + 0.8
    first, last = ends(rows, "ppo/kl")
    assert last > first + 1.0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "coef"), [("separate", 0.5), ("shared", 1e-3)])
def test_t_rl_32_a_strong_kl_pins_the_policy(kind: Any, coef: float) -> None:
    """The returns are in the hundreds: on a shared trunk a value loss of weight 0.5 would move the policy by itself."""
    settings = settings_of(**LEARN, max_tokens=8, value_coef=coef)
    scene = Scene(stop=(2,), value_model=kind, new_head=True)
    rows = learn(scene, share_of_9, settings, kl_coef=1e3, rate=1e-3)
    first, last = ends(rows, "ppo/score")
    assert abs(last - first) < 0.3
    assert ends(rows, "ppo/kl")[1] < 1.0


@pytest.mark.slow
@BOTH
def test_t_rl_32_with_the_sign_flipped_the_count_falls(kind: Any) -> None:
    settings = settings_of(**{**LEARN, "total_episodes": 32 * 20}, max_tokens=8)
    scene = Scene(stop=(2,), value_model=kind, new_head=True)
    down = learn(scene, lambda e: -share_of_9(e), settings, kl_coef=0.01)
    first, last = ends(down, "ppo/score")
    assert last > 0.5 * first, "the scores are negative"


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_t_rl_32_the_length_goes_to_20_or_away_from_it(sign: float) -> None:
    settings = settings_of(**{**LEARN, "total_episodes": 32 * 60}, max_tokens=40)
    rows = learn(
        Scene(stop=(2,)),
        lambda es: sign * torch.tensor([-abs(len(e.completion) - 20.0) for e in es]) / 10,
        settings,
        kl_coef=0.005,
        rate=3e-3,
    )
    first, last = ends(rows, "ppo/score")
    assert last > first + 0.25
    length = ends(rows, "ppo/length")[1]
    assert abs(length - 20) < 5 if sign > 0 else abs(length - 20) > 10


@BOTH
def test_t_rl_27_under_a_constant_score_advantages_vanish_once_the_critic_fits(kind: Any) -> None:
    scene = Scene(value_model=kind)
    settings = settings_of(total_episodes=24 * 20, rollout_batch_size=24, minibatch_size=24, whiten_advantages=False)
    source = scene.source(settings, lambda es: torch.ones(len(es)), kl_coef=0.0, tokens=10_000)
    task = task_of(scene.modules, scene.objective(settings), source=source)
    sizes = []
    whole = source.next_step

    def watched() -> Any:
        batches = whole()
        sizes.append(max(b.advantages.abs().mean().item() for b in policy_batches(batches or [])))
        return batches

    source.next_step = watched  # type: ignore[method-assign]
    rows = train(task, rate=1e-2, steps=20)
    assert sizes[0] > 0.5 and sizes[-1] < 0.1
    assert all(torch.isfinite(p).all() for p in scene.policy.parameters())
    assert rows[-1]["ppo/score"] == 1.0


@pytest.mark.slow
@BOTH
def test_t_rl_25_one_token_completions_converge_to_the_closed_form(kind: Any) -> None:
    """pi* = pi_ref exp(r / beta) / Z, through generator, reward, GAE, clipping, the critic and AdamW."""
    scene = Scene(vocab=8, stop=(), value_model=kind, new_head=True)
    r = torch.tensor([0.0, 0.2, 1.0, -1.0, 0.5, 0.0, 0.8, -0.5])
    prompt = [([5, 6], "only")]
    beta = 0.5
    settings = PPOSettings(
        total_episodes=512 * 60,
        rollout_batch_size=512,
        minibatch_size=256,
        num_ppo_epochs=2,
        max_tokens=1,
        no_eos="none",
    )

    def distribution(network: Any) -> Tensor:
        batch = pack([TokenSequence([5, 6], [False] * 2, "")])
        with torch.no_grad():
            return torch.softmax(logits_at(network, hidden_states(network, batch)[-1:]), -1)[0]

    reference = distribution(scene.reference)
    best = reference * torch.exp(r / beta)
    best = best / best.sum()
    assert (best - reference).abs().max() > 0.1
    rows = learn(
        scene,
        lambda es: r[torch.tensor([e.completion[0] for e in es])],
        settings,
        kl_coef=beta,
        rate=4e-3,
        final_ratio=0.02,
        prompts=prompt,
    )
    found = distribution(scene.policy)
    torch.testing.assert_close(found, best, atol=2e-2, rtol=0)
    log_z = torch.log((reference * torch.exp(r / beta)).sum())
    objective = (found * (r - beta * (found / reference).log())).sum()
    assert objective.item() == pytest.approx(beta * log_z.item(), abs=1e-2)
    assert rows[-1]["ppo/kl"] > 0.05


def test_ptx_batches_come_with_every_step() -> None:
    stream = PtxStream([[5, 6, 7 + i] for i in range(40)], ptx_ratio=2, minibatch_size=4, micro_batch_tokens=99, seed=2)
    source = Scene().source(settings_of(minibatch_size=4), ptx=stream)
    seen: list[str] = []
    while (batches := source.next_step()) is not None:
        rows = [key for b in batches if isinstance(b, PtxBatch) for key in b.keys]
        assert len(rows) == 8, "two rows an episode"
        seen += rows
    assert len(seen) == len(set(seen)) == 32, "without replacement"
    assert copy.deepcopy(stream.state_dict()) == stream.state_dict()
