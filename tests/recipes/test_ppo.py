"""PPO as a whole run: T-RL-19 (coefficient 0), T-RL-20, T-RL-21, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

from tests.small_runs import ENGINE, PPO, Workshop, prompts, same_weights, write
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.recipes import ppo
from tunesmith.train.checkpoint_folder import load_checkpoint
from tunesmith.train.task import TrainingTask


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("ppo"))


def test_t_rl_21_reference_and_reward_model_stay_and_have_no_gradient(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, in memory and on disk, while policy and value model move; the value model shares no weight."""
    made: list[Any] = []
    whole = ppo.ExperienceMaker.__init__

    def watched(self: Any, **arguments: Any) -> None:
        made.append(arguments)
        whole(self, **arguments)

    monkeypatch.setattr(ppo.ExperienceMaker, "__init__", watched)
    rewards: list[Any] = []
    opened = ppo.open_reward_model
    monkeypatch.setattr(ppo, "open_reward_model", lambda *a, **k: rewards.append(opened(*a, **k)) or rewards[-1])
    disk = {p: p.read_bytes() for p in Path(workshop.reward_model()).iterdir()}
    disk |= {p: p.read_bytes() for p in Path(workshop.chat_model()).iterdir()}
    workshop.run("ppo", "frozen")
    networks = made[0]
    reference, policy, value = networks["reference"], networks["policy"], networks["value"].trunk
    reward = rewards[0].network
    start = load_file(Path(workshop.chat_model()) / "model.safetensors")
    assert all(torch.equal(p, start[n]) for n, p in reference.named_parameters() if n in start)
    assert any(not torch.equal(p, start[n]) for n, p in policy.named_parameters() if n in start)
    scorer = load_file(Path(workshop.reward_model()) / "model.safetensors")
    assert all(torch.equal(p, scorer[n]) for n, p in reward.named_parameters())
    assert all(not torch.equal(p, scorer[n]) for n, p in value.named_parameters() if "proj" in n)
    for network in (reference, reward):
        assert all(p.grad is None and not p.requires_grad for p in network.parameters())
    pointers = [{p.data_ptr() for p in n.parameters()} for n in (reference, policy, value, reward)]
    assert sum(map(len, pointers)) == len(set().union(*pointers)), "no two networks share a weight"
    assert {p: p.read_bytes() for p in disk} == disk


def test_the_policy_stands_still_while_the_value_model_warms_up(workshop: Workshop) -> None:
    """Two of three rollouts; the checkpoint after them holds the SFT policy and another value model."""
    engine = {**ENGINE, "checkpoint": {"every": 4, "keep": 10}}
    workshop.run("ppo", "warm", ppo={**PPO, "value_warmup_iterations": 2}, engine=engine)
    rows = workshop.metrics("warm")
    assert ["ppo/policy_loss" in row for row in rows] == [False] * 4 + [True] * 2
    states = load_checkpoint(workshop.folder / "warm" / "checkpoints" / "step-000004").tree["modules"]
    start = load_file(Path(workshop.chat_model()) / "model.safetensors")
    scorer = load_file(Path(workshop.reward_model()) / "model.safetensors")
    assert all(torch.equal(p, start[n]) for n, p in states["policy"]["parameters"].items())
    assert all(not torch.equal(p, scorer[n]) for n, p in states["value"]["parameters"].items() if "proj" in n)
    assert any(not torch.equal(p, start[n]) for n, p in workshop.weights("warm").items())


def test_a_shared_trunk_stands_still_while_its_head_warms_up(workshop: Workshop) -> None:
    """As with a value model of its own, but what learns in the first two rollouts, and is saved, is the head alone."""
    engine = {**ENGINE, "checkpoint": {"every": 4, "keep": 10}}
    settings = {**PPO, "value_model": "shared", "value_warmup_iterations": 2}
    workshop.run("ppo", "warm-shared", ppo=settings, engine=engine)
    rows = workshop.metrics("warm-shared")
    assert ["ppo/policy_loss" in row for row in rows] == [False] * 4 + [True] * 2
    assert all("ppo/value_loss" in row for row in rows)
    states = load_checkpoint(workshop.folder / "warm-shared" / "checkpoints" / "step-000004").tree["modules"]
    start = load_file(Path(workshop.chat_model()) / "model.safetensors")
    assert all(torch.equal(p, start[n]) for n, p in states["policy"]["parameters"].items())
    assert states["value"]["parameters"].keys() == {"weight", "bias"}
    assert all(p.any() for p in states["value"]["parameters"].values())
    assert any(not torch.equal(p, start[n]) for n, p in workshop.weights("warm-shared").items())


def test_a_policy_with_a_value_head_is_saved_as_the_ordinary_model_that_it_was(workshop: Workshop) -> None:
    """The same tensors as the SFT model's, and transformers misses none and finds none too many."""
    workshop.run("ppo", "shared", ppo={**PPO, "value_model": "shared"})
    start, saved = load_file(Path(workshop.chat_model()) / "model.safetensors"), workshop.weights("shared")
    assert {n: p.shape for n, p in saved.items()} == {n: p.shape for n, p in start.items()}
    assert all(not torch.equal(saved[n], start[n]) for n in saved if "proj" in n)
    folder = workshop.folder / "shared" / "model"
    opened, found = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(found[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert opened.config.to_dict().keys() == AutoConfig.from_pretrained(workshop.chat_model()).to_dict().keys()
    first = workshop.metrics("shared")[0]
    assert first["ppo/ratio"] == pytest.approx(1, abs=1e-5) and first["ppo/approx_kl"] < 1e-9


def test_a_shared_trunk_is_moved_by_the_value_loss_once_the_head_says_something(workshop: Workshop) -> None:
    """After two steps, not after one: a head of zeros pushes nothing."""
    for name, coef in (("half", 0.5), ("none", 0.0)):
        engine = {**ENGINE, "checkpoint": {"every": 1, "keep": 10}}
        settings = {**PPO, "value_model": "shared", "value_coef": coef, "total_episodes": 8}
        workshop.run("ppo", f"pushed-{name}", ppo=settings, engine=engine)
    for step, alike in ((1, True), (2, False)):
        states = [
            load_checkpoint(workshop.folder / f"pushed-{name}" / "checkpoints" / f"step-{step:06d}").tree["modules"]
            for name in ("half", "none")
        ]
        gaps = [
            (p - states[1]["policy"]["parameters"][n]).abs().max().item()
            for n, p in states[0]["policy"]["parameters"].items()
        ]
        assert (max(gaps) < 1e-6) == alike


def test_t_rl_21_the_value_loss_does_not_move_the_policy(workshop: Workshop) -> None:
    for name, coef in (("half", 0.5), ("none", 0.0)):
        engine = {**ENGINE, "optimizer": {"learning_rate": 3e-3}}
        workshop.run("ppo", f"value-{name}", ppo={**PPO, "value_coef": coef, "total_episodes": 8}, engine=engine)
    assert same_weights(workshop.weights("value-half"), workshop.weights("value-none"))


def test_t_rl_19_a_coefficient_of_0_is_bit_equal_to_no_ptx(workshop: Workshop) -> None:
    short = {**PPO, "total_episodes": 8}
    workshop.run("ppo", "without", ppo=short)
    workshop.run("ppo", "zero", ppo=short, ptx={"ptx_coef": 0.0, "ptx_ratio": 4.0})
    workshop.run("ppo", "some", ppo=short, ptx={"ptx_coef": 0.3, "ptx_ratio": 1.0, "ptx_length": 16})
    assert same_weights(workshop.weights("without"), workshop.weights("zero"))
    assert not same_weights(workshop.weights("without"), workshop.weights("some"))
    assert "ppo/ptx_loss" in workshop.metrics("some")[0] and "ppo/ptx_loss" not in workshop.metrics("zero")[0]


def test_t_rl_20_the_saved_policy_is_the_average_if_configured(workshop: Workshop) -> None:
    engine = {**ENGINE, "ema_decay": 0.992, "checkpoint": {"every": 1, "keep": 10}}
    workshop.run("ppo", "average", engine=engine)
    checkpoints = sorted((workshop.folder / "average" / "checkpoints").glob("step-*"))
    states = [load_checkpoint(path).tree["modules"]["policy"]["parameters"] for path in checkpoints]
    start, saved = load_file(Path(workshop.chat_model()) / "model.safetensors"), workshop.weights("average")
    name = "model.layers.1.mlp.up_proj.weight"
    average = start[name]
    for state in states:
        average = 0.992 * average + 0.008 * state[name]
    torch.testing.assert_close(saved[name], average, atol=1e-6, rtol=1e-5)
    assert not torch.allclose(saved[name], states[-1][name], atol=1e-4)


def test_t_rl_3_the_first_step_of_a_run_has_ratio_1_and_no_kl(workshop: Workshop) -> None:
    workshop.run("ppo", "first", ppo={**PPO, "temperature": 0.7})
    first = workshop.metrics("first")[0]
    assert first["ppo/ratio"] == pytest.approx(1, abs=1e-5) and first["ppo/approx_kl"] < 1e-9
    assert first["ppo/clip_fraction"] == 0 and abs(first["ppo/kl"]) < 1e-5 and abs(first["ppo/kl_k3"]) < 1e-6
    assert any(row["ppo/kl_k3"] > 1e-6 for row in workshop.metrics("first")[1:] if "ppo/kl_k3" in row)


def test_a_reward_model_of_another_template_is_refused(workshop: Workshop) -> None:
    folder = workshop.folder / "other"
    folder.mkdir()
    for path in Path(workshop.reward_model()).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    card = (folder / "tunesmith.json").read_text()
    (folder / "tunesmith.json").write_text(card.replace('"template_hash"', '"was"'))
    with pytest.raises(ConfigError, match="different chat templates"):
        workshop.run("ppo", "refused", reward_model=str(folder))
    assert not (workshop.folder / "refused").exists()


def test_prompts_that_leave_no_room_are_named_and_counted(workshop: Workshop) -> None:
    rows = prompts(6)
    long = rows[0].messages[0].content * 9
    data = write(
        workshop.folder / "long.jsonl",
        [*rows, type(rows[0])(messages=(type(rows[0].messages[0])("user", long),), meta={})],
    )
    lines: list[str] = []
    result = workshop.run("ppo", "room", data=(data,), context=RunContext(command="test", log=lines.append))
    assert result.summary["prompts"] == 6
    assert "1 rows left out: prompt longer than 90 tokens" in lines


@pytest.mark.parametrize("kind", ["separate", "shared"])
def test_the_learning_rate_of_the_value_model_is_its_own(
    kind: str, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[TrainingTask] = []
    whole = ppo.Stage.train

    def watched(self: Any, task: TrainingTask) -> Any:
        tasks.append(task)
        return whole(self, task)

    monkeypatch.setattr(ppo.Stage, "train", watched)
    settings, ptx = {**PPO, "value_model": kind}, {"ptx_coef": 0.4, "ptx_ratio": 1}
    workshop.run("ppo", f"rates-{kind}", ppo=settings, value_learning_rate_factor=2.5, ptx=ptx)
    assert tasks[0].learning_rate_factors == {"value": 2.5}
    assert tasks[0].loss_coefs == {"value": 0.5, "ptx": 0.4}
    assert set(tasks[0].modules) == {"policy", "value"}
    trained = [name for name, _ in tasks[0].modules["value"].named_parameters()]
    assert (trained == ["weight", "bias"]) == (kind == "shared")


def test_adapters_are_refused_by_name(workshop: Workshop) -> None:
    with pytest.raises(ValidationError, match="lora"):
        workshop.run("ppo", "adapters", lora={"rank": 4})
