from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.train.toy_training import ToyModel, toy_model
from tunesmith.core.errors import CheckpointError, ConfigError
from tunesmith.train.muon import orthogonalised
from tunesmith.train.optimizer import (
    OptimizerConfig,
    build_optimizer,
    clip_gradients,
    gradient_norm,
    load_optimizer_state,
    optimizer_state,
    set_learning_rate,
)
from tunesmith.train.state_tree import equal
from tunesmith.train.trainable import Trainable


class Scalar(nn.Module):
    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1, 1, dtype=dtype))


@pytest.mark.parametrize(
    ("gradient", "torch_size", "tensorflow_size"),
    [(1e-3, 0.9901, 0.7597), (1e-4, 0.9091, 0.2403), (1e-5, 0.5, 0.03065)],
)
def test_t_rl_31_first_adam_step(gradient: float, torch_size: float, tensorflow_size: float) -> None:
    """T-RL-31: step-1 update / lr with beta2 .999, eps 1e-5, for both places where eps may be added."""
    for convention, size in (("torch", torch_size), ("tensorflow", tensorflow_size)):
        module = Scalar()
        config = OptimizerConfig.model_validate({"eps": 1e-5, "beta2": 0.999, "eps_convention": convention})
        optimizer = build_optimizer(Trainable({"m": module}), config, {})
        set_learning_rate(optimizer, 1.0)
        module.w.grad = torch.full((1, 1), gradient, dtype=torch.float64)
        optimizer.step()
        assert -module.w.item() == pytest.approx(size, rel=3e-4)
        exact = gradient / (gradient + 1e-5 / (1 if convention == "torch" else 0.001**0.5))
        assert -module.w.item() == pytest.approx(exact, rel=1e-6)


def test_t_rl_31_epsilon_hat_equals_torch_with_eps_rescaled_at_every_step() -> None:
    """Equivalent torch eps at step t: eps_hat / sqrt(1 - beta2^t)."""
    ours, theirs = Scalar(), Scalar()
    config = OptimizerConfig(eps=1e-3, beta2=0.99, weight_decay=0.1, eps_convention="tensorflow")
    first = build_optimizer(Trainable({"m": ours}), config, {})
    second = torch.optim.AdamW([theirs.w], betas=(0.9, 0.99), weight_decay=0.1)
    set_learning_rate(first, 0.1)
    for t in range(1, 6):
        second.param_groups[0].update(lr=0.1, eps=1e-3 / (1 - 0.99**t) ** 0.5)
        for module, optimizer in ((ours, first), (theirs, second)):
            module.w.grad = torch.full((1, 1), 0.01 * t, dtype=torch.float64)
            optimizer.step()
        assert ours.w.item() == pytest.approx(theirs.w.item(), rel=1e-12)


def test_no_decay_for_biases_norms_and_embeddings() -> None:
    model = toy_model()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = build_optimizer(Trainable({"m": model}), OptimizerConfig(weight_decay=0.5), {})
    set_learning_rate(optimizer, 0.1)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"hidden.weight", "out.weight"}


def test_tied_projection_is_an_embedding_and_counted_once() -> None:
    trainable = Trainable({"m": toy_model(tied=True)})
    assert sorted(trainable.named) == [
        "m.hidden.bias",
        "m.hidden.weight",
        "m.norm.bias",
        "m.norm.weight",
        "m.table.weight",
    ]
    groups = build_optimizer(trainable, OptimizerConfig(weight_decay=0.5), {}).param_groups
    assert [(len(g["params"]), g["weight_decay"]) for g in groups] == [(1, 0.5), (4, 0.0)]


def test_decay_everything_on_request() -> None:
    config = OptimizerConfig(weight_decay=0.5, decay_everything=True)
    groups = build_optimizer(Trainable({"m": toy_model()}), config, {}).param_groups
    assert [(len(g["params"]), g["weight_decay"]) for g in groups] == [(6, 0.5)]


def test_learning_rate_factor_per_module() -> None:
    trainable = Trainable({"policy": toy_model(), "value": toy_model(1)})
    optimizer = build_optimizer(trainable, OptimizerConfig(), {"value": 2.0})
    set_learning_rate(optimizer, 0.25)
    assert sorted({g["lr"] for g in optimizer.param_groups}) == [0.25, 0.5]
    with pytest.raises(ConfigError, match="'critic' is not trained"):
        build_optimizer(trainable, OptimizerConfig(), {"critic": 2.0})


def test_clipping_is_global_within_a_module() -> None:
    model = toy_model()
    for i, p in enumerate(model.parameters()):
        p.grad = torch.full_like(p, i + 1.0)
    expected = sum(float((p.grad.double() ** 2).sum()) for p in model.parameters() if p.grad is not None) ** 0.5
    norm = gradient_norm(model.parameters())
    assert norm is not None and float(norm) == pytest.approx(expected, rel=1e-6)
    ratio = model.out.weight.grad.clone() / model.table.weight.grad[0, 0]  # type: ignore[union-attr, index]
    clip_gradients(model.parameters(), 0.5, norm)
    after = gradient_norm(model.parameters())
    assert after is not None and float(after) == pytest.approx(0.5, rel=1e-5)
    assert torch.allclose(model.out.weight.grad / model.table.weight.grad[0, 0], ratio)  # type: ignore[operator, index]


@pytest.mark.parametrize("choice", [{}, {"eps_convention": "tensorflow"}, {"kind": "muon"}])
def test_state_round_trip_by_name(choice: dict[str, str]) -> None:
    config = OptimizerConfig.model_validate(choice)

    def trained() -> tuple[ToyModel, Trainable, torch.optim.Optimizer]:
        model = toy_model()
        trainable = Trainable({"m": model})
        return model, trainable, build_optimizer(trainable, config, {})

    model, trainable, optimizer = trained()
    torch.manual_seed(0)
    for _ in range(2):
        for p in model.hidden.parameters():
            p.grad = torch.randn_like(p)
        optimizer.step()
    state = optimizer_state(optimizer, trainable)
    assert sorted(state) == ["m.hidden.bias", "m.hidden.weight"]
    _, other, restored = trained()
    load_optimizer_state(restored, other, state)
    assert equal(optimizer_state(restored, other), state)
    with pytest.raises(CheckpointError, match="not trained"):
        load_optimizer_state(restored, other, {"m.gone": {}})


def test_a_state_of_another_optimizer_is_refused() -> None:
    state = {"m.hidden.weight": {"exp_avg": torch.zeros(4, 4), "exp_avg_sq": torch.zeros(4, 4), "step": torch.ones(())}}
    trainable = Trainable({"m": toy_model()})
    with pytest.raises(CheckpointError, match="other moments of"):
        load_optimizer_state(build_optimizer(trainable, OptimizerConfig(kind="muon"), {}), trainable, state)


def test_muon_is_for_hidden_matrices_and_adamw_for_the_rest() -> None:
    trainable = Trainable({"m": toy_model()})
    optimizer = build_optimizer(trainable, OptimizerConfig(kind="muon", weight_decay=0.5), {"m": 2.0})
    names = {id(p): n for n, p in trainable.named.items()}
    split = {(g["muon"], g["weight_decay"]): sorted(names[id(p)] for p in g["params"]) for g in optimizer.param_groups}
    assert split[True, 0.5] == ["m.hidden.weight", "m.out.weight"]
    assert split[False, 0.0] == ["m.hidden.bias", "m.norm.bias", "m.norm.weight", "m.table.weight"]
    set_learning_rate(optimizer, 0.1)
    before = {name: p.detach().clone() for name, p in trainable.named.items()}
    for p in trainable.named.values():
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert all(not torch.equal(p, before[name]) for name, p in trainable.named.items())
    assert {g["lr"] for g in optimizer.param_groups} == {0.2}


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("shape", [(16, 16), (12, 40), (40, 12)])
def test_muon_updates_like_the_one_in_torch(shape: tuple[int, int], autocast: bool) -> None:
    """Theirs orthogonalises in bf16, hence the tolerance; under autocast so does ours."""
    torch.manual_seed(0)
    ours, theirs = nn.Linear(*shape, bias=False), nn.Linear(*shape, bias=False)
    theirs.load_state_dict(ours.state_dict())
    first = build_optimizer(Trainable({"m": ours}), OptimizerConfig(kind="muon", weight_decay=0.1), {})
    second = torch.optim.Muon(theirs.parameters(), lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    set_learning_rate(first, 0.02)
    start = ours.weight.detach().clone()
    for _ in range(4):
        ours.weight.grad = torch.randn_like(ours.weight)
        theirs.weight.grad = ours.weight.grad.clone()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            first.step()
        second.step()
    difference = (ours.weight - theirs.weight).norm() / (ours.weight - start).norm()
    assert difference.item() < 0.02


@pytest.mark.parametrize("shape", [(16, 16), (12, 40), (40, 12)])
def test_orthogonalised_keeps_the_singular_vectors_and_levels_the_values(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    matrix = torch.randn(shape) * torch.logspace(0, -1, shape[1])
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    assert values.min() < 0.4 * values.max(), "there is something to level"
    levelled = left.T @ orthogonalised(matrix) @ right.T
    diagonal = levelled.diagonal()
    assert diagonal.min() > 0.6 and diagonal.max() < 1.3
    torch.testing.assert_close(levelled, diagonal.diag(), atol=1e-4, rtol=0)
