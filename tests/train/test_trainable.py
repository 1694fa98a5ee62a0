from __future__ import annotations

import pytest
import torch

from tests.train.toy_training import toy_model
from tunesmith.core.errors import CheckpointError, ConfigError, NumericalError
from tunesmith.train.state_tree import equal, from_bytes, to_bytes
from tunesmith.train.trainable import Trainable


def test_tied_parameters_count_once_within_and_across_modules() -> None:
    policy, value = toy_model(tied=True), toy_model(1)
    value.table = policy.table
    trainable = Trainable({"policy": policy, "value": value})
    assert len(trainable.named) == len({id(p) for p in trainable.named.values()}) == 5 + 5
    assert "policy.table.weight" in trainable.named and "value.table.weight" not in trainable.named
    assert "value.out.weight" in trainable.named and "policy.out.weight" not in trainable.named


def test_only_what_requires_a_gradient_is_saved_the_rest_is_hashed() -> None:
    model = toy_model()
    model.table.requires_grad_(False)
    trainable = Trainable({"m": model})
    state = trainable.state_dict()
    assert "table.weight" not in state["m"]["parameters"] and set(state["m"]["buffers"]) == {"seen"}
    before = trainable.frozen_hash()
    assert len(before) == 64 and Trainable({"m": toy_model()}).frozen_hash() == ""
    with torch.no_grad():
        model.hidden.weight.add_(1.0)
        assert trainable.frozen_hash() == before
        model.table.weight[3, 2] += 1e-3
    assert trainable.frozen_hash() != before


def test_state_round_trip_with_buffers() -> None:
    model, other = toy_model(), toy_model(1)
    model(torch.tensor([1, 2, 3]))
    state = from_bytes(to_bytes(Trainable({"m": model}).state_dict()))
    Trainable({"m": other}).load_state_dict(state)
    assert equal(dict(other.state_dict()), dict(model.state_dict())) and int(other.seen) == 3


def test_what_does_not_fit_is_named() -> None:
    trainable, state = Trainable({"m": toy_model()}), Trainable({"m": toy_model()}).state_dict()
    state["m"]["parameters"]["out.weight"] = torch.zeros(2, 2)
    with pytest.raises(CheckpointError, match=r"m: the shape of 'out\.weight' differs .*\(2, 2\), model \(13, 8\)"):
        trainable.load_state_dict(state)
    del state["m"]["parameters"]["out.weight"]
    with pytest.raises(CheckpointError, match=r"the checkpoint lacks 'out\.weight'"):
        trainable.load_state_dict(state)
    with pytest.raises(CheckpointError, match="the checkpoint lacks"):
        trainable.load_state_dict({})


@pytest.mark.parametrize("frozen", [False, True])
def test_nan_in_initial_weights_is_named(frozen: bool) -> None:
    model = toy_model()
    with torch.no_grad():
        model.hidden.weight[1, 1] = float("nan")
    model.hidden.weight.requires_grad_(not frozen)
    with pytest.raises(NumericalError, match=r"initial weights of m\.hidden\.weight: 1 of 64 values"):
        Trainable({"m": model}).check_finite()


def test_a_module_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(ConfigError, match="module 'm'"):
        Trainable({"m": toy_model().requires_grad_(False)})
