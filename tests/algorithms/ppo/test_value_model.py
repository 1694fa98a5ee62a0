"""A value head on the policy's trunk: the losses and gradients of two plain forward passes, from one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tests.algorithms.loop import gradient_of, task_of
from tests.algorithms.ppo.scene import Scene, policy_batches, settings_of, stir
from tests.small import FAMILIES, classifier_of, network_of
from tunesmith.algorithms.ppo.experience import Experience
from tunesmith.algorithms.ppo.objective import PPOObjective
from tunesmith.algorithms.ppo.settings import PPOSettings
from tunesmith.algorithms.ppo.value_model import value_model
from tunesmith.algorithms.rollout import token_slices
from tunesmith.model.lora import LoraSettings, add_lora
from tunesmith.train.objective import MicroBatch

COEFS = {"value": 0.3}
SETTINGS = {"temperature": 0.7, "value_coef": 0.3, "clip_range": 0.1, "value_clip_range": 0.1}


def test_a_separate_value_model_is_a_trainable_copy_of_the_frozen_reward_model() -> None:
    policy, reward = network_of(), classifier_of(seed=7).requires_grad_(False)
    made = value_model("separate", policy=policy, reward=reward)
    assert not made.shared and made.module is made.trunk is not reward
    assert all(
        torch.equal(p, q) and p is not q for p, q in zip(made.trunk.parameters(), reward.parameters(), strict=True)
    )
    assert all(p.requires_grad for p in made.trunk.parameters())
    assert not any(p.requires_grad for p in reward.parameters())


def test_a_head_on_the_policy_starts_at_0_and_adds_nothing_to_the_policy() -> None:
    policy, reward = network_of(), classifier_of(seed=7)
    names = [name for name, _ in policy.named_parameters()]
    made = value_model("shared", policy=policy, reward=reward)
    assert made.shared and made.trunk is policy and made.module is made.head
    assert made.read(torch.randn(4, 32)).tolist() == [0.0] * 4
    assert [name for name, _ in policy.named_parameters()] == names
    assert {name: p.numel() for name, p in made.module.named_parameters()} == {"weight": 32, "bias": 1}


def plain_losses(scene: Scene, experience: Experience, settings: PPOSettings) -> tuple[Tensor, Tensor]:
    """The policy's and the value loss a token, episode by episode, each from a forward pass of transformers' own."""
    policy, head = scene.policy, scene.value.head
    assert head is not None and settings.value_clip_range is not None
    policy_loss, value_loss, n = torch.zeros(()), torch.zeros(()), 0
    for episode, where in zip(experience.episodes, token_slices(experience.episodes), strict=True):
        ids = torch.tensor([[*episode.prompt, *episode.completion]])
        emitting = slice(len(episode.prompt) - 1, -1)
        logits = policy(input_ids=ids).logits[0, emitting] / settings.temperature
        logprobs = torch.log_softmax(logits, -1).gather(1, torch.tensor(episode.completion)[:, None])[:, 0]
        ratio, gain = (logprobs - experience.logprobs[where]).exp(), experience.advantages[where]
        kept = ratio.clamp(1 - settings.clip_range, 1 + settings.clip_range)
        policy_loss = policy_loss - torch.minimum(gain * ratio, gain * kept).sum()
        states = policy.base_model(input_ids=ids).last_hidden_state[0, emitting]
        values, old = states @ head.weight + head.bias, experience.values[where]
        near = torch.clamp(values, old - settings.value_clip_range, old + settings.value_clip_range)
        errors = [(v - experience.returns[where]).square() for v in (values, near)]
        value_loss = value_loss + 0.5 * torch.maximum(*errors).sum()
        n += len(episode.completion)
    return policy_loss / n, value_loss / n


def moved_scene(family: str) -> tuple[Scene, Experience, PPOSettings, list[MicroBatch]]:
    """A scene after a rollout, its policy and head moved since, and the micro-batches of the whole rollout."""
    scene = Scene(family, value_model="shared")
    settings = settings_of(**SETTINGS)
    source = scene.source(settings, tokens=40)
    batches = source.next_step()
    assert batches is not None and len(batches) > 1 and source._experience is not None
    stir(scene.policy, size=0.02)
    stir(scene.value.module, size=0.05)
    return scene, source._experience, settings, list(batches)


def gradients(modules: dict[str, nn.Module], loss: Tensor) -> dict[str, Tensor]:
    """The gradients by the names that the engine gives."""
    parameters = {f"{m}.{n}": p for m, module in modules.items() for n, p in module.named_parameters()}
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return {name: g for name, g in zip(parameters, found, strict=True) if g is not None}


@pytest.mark.parametrize("family", FAMILIES)
def test_one_pass_has_the_losses_and_every_gradient_of_two_plain_passes(family: str) -> None:
    """Also across micro-batches of unequal size: both losses are divided by the tokens of the whole step."""
    scene, experience, settings, batches = moved_scene(family)
    passes: list[object] = []
    hook = scene.policy.base_model.register_forward_hook(lambda *_: passes.append(1))
    report, found = gradient_of(task_of(scene.modules, scene.objective(settings), coefs=COEFS), batches)
    hook.remove()
    assert len(passes) == len(batches), "one forward pass of the trunk for each micro-batch"
    scene.policy.set_attn_implementation("eager")
    policy_loss, value_loss = plain_losses(scene, experience, settings)
    assert report.metrics["ppo/policy_loss"] == pytest.approx(policy_loss.item(), abs=1e-5)
    assert report.metrics["ppo/value_loss"] == pytest.approx(value_loss.item(), rel=1e-5)
    assert report.loss == pytest.approx((policy_loss + 0.3 * value_loss).item(), abs=1e-5)
    clipped = [report.metrics[f"ppo/{name}"] for name in ("clip_fraction", "value_clip_fraction")]
    assert all(share is not None and 0 < share < 1 for share in clipped), "both sides of both clips are met"
    expected = gradients(scene.modules, policy_loss + 0.3 * value_loss)
    assert found.keys() == expected.keys() >= {"value.weight", "value.bias"}
    assert min(g.abs().max().item() for g in expected.values()) > 1e-4
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-5, msg=lambda m, n=name: f"{n}: {m}")


def test_without_a_value_loss_the_trunk_has_the_gradient_of_the_policy_loss_alone() -> None:
    scene, _, settings, batches = moved_scene("llama")
    alone = settings.model_copy(update={"value_coef": 0.0})
    _, found = gradient_of(task_of(scene.modules, scene.objective(alone)), batches)
    separate = PPOObjective(
        policy=scene.policy,
        value=value_model("separate", policy=scene.policy, reward=scene.reward),
        settings=alone,
    )
    _, expected = gradient_of(task_of({"policy": scene.policy}, separate), policy_batches(batches))
    assert {name for name in found if name.startswith("policy.")} == expected.keys()
    for name, gradient in expected.items():
        assert gradient.any()
        torch.testing.assert_close(found[name], gradient, atol=1e-7, rtol=1e-6)
    assert not any(found[name].any() for name in ("value.weight", "value.bias"))
    _, whole = gradient_of(task_of(scene.modules, scene.objective(settings)), batches)
    assert any((whole[name] - found[name]).abs().max() > 1e-3 for name in expected), "with one, it has more"


def test_a_new_head_does_not_push_the_trunk_yet_and_learns() -> None:
    scene = Scene(value_model="shared", new_head=True)
    settings = settings_of(**SETTINGS)
    batches = scene.source(settings, tokens=40).next_step()
    assert batches is not None
    found = [
        gradient_of(task_of(scene.modules, scene.objective(settings.model_copy(update={"value_coef": c}))), batches)[1]
        for c in (0.0, 5.0)
    ]
    for name, gradient in found[0].items():
        if name.startswith("policy."):
            torch.testing.assert_close(found[1][name], gradient, atol=1e-7, rtol=1e-6)
    assert found[1]["value.weight"].abs().max() > 1e-2 and found[1]["value.bias"].abs() > 1e-2


def test_adapters_learn_from_both_losses_and_the_base_from_none() -> None:
    pytest.importorskip("peft")
    scene, _, settings, batches = moved_scene("llama")
    base: PreTrainedModel = scene.policy
    add_lora(base, LoraSettings(rank=2), seed=0)
    with torch.no_grad():
        for name, parameter in base.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    one, other = (
        gradient_of(task_of(scene.modules, scene.objective(settings.model_copy(update={"value_coef": c}))), batches)[1]
        for c in (0.0, 1.0)
    )
    assert one.keys() == other.keys() and {"value.weight", "value.bias"} < other.keys()
    adapters = [name for name in other if name.startswith("policy.")]
    assert adapters and all("lora_" in name and other[name].any() for name in adapters)
    assert all((one[name] - other[name]).abs().max() > 1e-5 for name in adapters)
