from __future__ import annotations

import json

import pytest
import torch

from tunesmith.train.state_tree import equal, from_bytes, join, size_bytes, split, tensors_of, to_bytes

DTYPES = [
    torch.uint8,
    torch.int64,
    torch.bool,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.int32,
]


def tree() -> dict[str, object]:
    return {
        "dtypes": {str(dtype): torch.arange(4).to(dtype) for dtype in DTYPES},
        "empty": {"dict": {}, "list": [], "tensor": torch.zeros(0, 3), "text": ""},
        "scalar": torch.tensor(2.5),
        "list": [torch.ones(2), {"n": 2**80, "x": 0.1, "none": None, "yes": True}, [1, [2, torch.zeros(1)]]],
        "floats": [float("inf"), -float("inf"), float("nan")],
        "a/b": {"c": torch.ones(1)},
        "a": {"b/c": torch.zeros(1), "b": {"c": torch.zeros(2), "c~1": torch.ones(2)}},
        "transposed": torch.arange(6).reshape(2, 3).T,
    }


def test_round_trip_of_every_kind_of_leaf() -> None:
    parts = split(tree())
    body = json.loads(json.dumps(parts.body, allow_nan=False))
    assert equal(join(parts.tensors, body), tree())
    assert equal(from_bytes(to_bytes(tree())), tree())


def test_tensors_that_share_memory_are_written_separately() -> None:
    base = torch.arange(8.0)
    shared = {"all": base, "half": base[:4], "same": base, "grad": torch.nn.Parameter(base)}
    assert equal(from_bytes(to_bytes(shared)), {k: v.detach() for k, v in shared.items()})


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"a": {"b": (1, 2)}}, "a/b"),
        ({"a": b"x"}, "a"),
        ({"a": {1: 2}}, "a"),
        ({"": 1}, "''"),
        ({"$tensor": "x"}, r"\$tensor"),
    ],
)
def test_refuses_what_would_not_come_back(bad: dict[str, object], path: str) -> None:
    with pytest.raises(TypeError, match=path):
        split(bad)


def test_size_counts_every_tensor() -> None:
    assert size_bytes({"a": torch.zeros(3), "b": [torch.zeros(2, dtype=torch.bool), {"c": 1}]}) == 14
    assert len(tensors_of(tree())) == 17


def test_equal_is_strict() -> None:
    one = torch.ones(2)
    assert not equal({"a": one}, {"a": one.double()})
    assert not equal({"a": 1}, {"a": True})
    assert not equal([one], [one, one])
    assert not equal({"a": torch.tensor([0.0])}, {"a": torch.tensor([-0.0])})
