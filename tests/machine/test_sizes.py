from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tunesmith.desk.weights import shipped_base
from tunesmith.machine.sizes import OPTIMIZER_BYTES, SHAPES, Load, Shape, largest, need, terms
from tunesmith.sweep.process import LocalChild, Order

BASE = Shape.of("base", json.loads((shipped_base() / "config.json").read_text()))


def test_parameters_are_those_of_the_shipped_weights() -> None:
    from safetensors import safe_open

    with safe_open(shipped_base() / "model.safetensors", "pt") as weights:
        counted = sum(weights.get_tensor(name).numel() for name in weights.keys())  # noqa: SIM118
    assert BASE.parameters == counted


def test_terms_by_hand() -> None:
    shape = Shape("two", 2, 8, 16, 2, 1, 100, True)
    assert shape.parameters == 2 * (2 * 64 + 2 * 8 * 4 + 3 * 8 * 16 + 16) + 800 + 8
    load = Load(micro_batch_tokens=10, sequence=5, conversations=3)
    found = terms(shape, "full", load)
    assert found["weights, gradients and moments"] == OPTIMIZER_BYTES * shape.parameters
    assert found["activations"] == 4 * 10 * 2 * (8 * 8 + 2 * 4 + 4 * 16 + 2 * 2 * 5)
    assert found["logits"] == 3 * 4 * 5 * 100
    assert terms(shape, "serve", load, weight_bytes=2)["key_value_cache"] == 2 * 2 * 4 * 5 * 3 * 2


def test_larger_models_need_more_and_serving_needs_least() -> None:
    for use in ("full", "lora", "serve"):
        needs = [need(shape, use) for shape in SHAPES]
        assert needs == sorted(needs)
    assert all(need(s, "serve") < need(s, "lora") < need(s, "full") for s in SHAPES[2:])


@pytest.mark.parametrize("use", ["full", "lora", "serve"])
def test_the_largest_fits_and_the_next_does_not(use: str) -> None:
    shape = largest(use, 24 * 2**30)  # type: ignore[arg-type]
    assert shape is not None
    after = SHAPES[SHAPES.index(shape) + 1]
    assert need(shape, use) <= 24 * 2**30 < need(after, use)  # type: ignore[arg-type]
    assert largest(use, 0) is None  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("tokens", [2048, 6144])
def test_the_formula_says_what_training_the_base_takes(tokens: int, tmp_path: Path) -> None:
    """Measured by the kernel in a process of its own; rows of the desk are about 30 tokens, so steps are full."""
    settings = [f"micro_batch_tokens={tokens}", f"global_batch_size={tokens // 20}", "max_steps=2", "desk_rows=1500"]
    settings += ["validation_fraction=0", "engine.tensorboard=false", "engine.checkpoint.every=0"]
    words = ["train", "sft", "--out", str(tmp_path / "run"), "--json", "--quiet"]
    order = Order(tuple(words + [w for s in settings for w in ("--set", s)]), dict(os.environ), tmp_path / "log")
    child = LocalChild(order)
    while child.poll() is None:
        time.sleep(0.1)
    assert child.poll() == 0 and child.peak_bytes is not None
    said = need(BASE, "full", Load(micro_batch_tokens=tokens))
    assert 0.75 < said / child.peak_bytes < 1.35
