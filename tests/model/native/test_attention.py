"""Attention as one call: what every row would get by itself, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tunesmith.data.batch import TokenBatch, TokenSequence, TokenTree, pack, pack_trees
from tunesmith.model.attention import packed_attention
from tunesmith.model.native import attention as native_attention
from tunesmith.native.library import native

from .networks import token_rows

pytestmark = pytest.mark.skipif(native().library is None, reason=native().why)

ROWS = token_rows(3, 117, 40, 9, 125, 1, 16, 49)
BATCHES: dict[str, TokenBatch] = {
    "rows": pack([TokenSequence(row, [True] * len(row), "") for row in ROWS], max_waste=0.5),
    "trees": pack_trees(
        [TokenTree(ROWS[0], ROWS[4:6], ""), TokenTree(ROWS[1], ROWS[:2], ""), TokenTree(ROWS[2], ROWS[5:], "")]
    ),
}
SHAPES = {"64": (4, 4, 64), "shared keys": (6, 2, 32), "odd": (3, 1, 18), "48": (2, 2, 48)}


def attended(q: Tensor, k: Tensor, v: Tensor, batch: TokenBatch, window: int | None) -> Tensor:
    """Each row by itself, in double precision; zeros in padding."""
    out = torch.zeros_like(q)
    groups = q.shape[1] // k.shape[1]
    for block in batch.layout.blocks:
        for row in range(block.rows):
            begin, length = block.start + row * block.width, int(block.lengths[row])
            own = list(range(begin, begin + length))
            before: list[int] = []
            if block.parent is not None and block.parent_rows is not None:
                parent, above = batch.layout.blocks[block.parent], int(block.parent_rows[row])
                start = parent.start + above * parent.width
                before = list(range(start, start + int(parent.lengths[above])))
            for place, index in enumerate(own):
                seen = [*before, *own[: place + 1]][-(window or 10**6) :]
                for head in range(q.shape[1]):
                    scores = k[seen, head // groups] @ q[index, head] / math.sqrt(q.shape[2])
                    out[index, head] = scores.softmax(0) @ v[seen, head // groups]
    return out


def drawn(shape: tuple[int, int, int], n: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    heads, kv_heads, width = shape
    made = (torch.randn(n, count, width, generator=generator) for count in (heads, kv_heads, kv_heads, heads))
    return [t.to(dtype) for t in made]


def results(values: list[Tensor], batch: TokenBatch, window: int | None) -> list[Tensor]:
    q, k, v = (t.clone().requires_grad_() for t in values[:3])
    options = {"sliding_window": window}
    assert native_attention.covers(q, k, v, options)
    out = native_attention.attend(q, k, v, batch.layout.families, options)
    out.backward(values[3])  # type: ignore[no-untyped-call]
    return [out.detach(), *(t.grad for t in (q, k, v) if t.grad is not None)]


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("window", [None, 20])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", BATCHES)
@pytest.mark.usefixtures("threads")
def test_every_row_gets_what_it_would_get_alone(kind: str, shape: str, window: int | None, dtype: torch.dtype) -> None:
    batch = BATCHES[kind]
    values = drawn(SHAPES[shape], batch.layout.length, dtype)
    exact = [t.double().requires_grad_() for t in values[:3]]
    expected = attended(exact[0], exact[1], exact[2], batch, window)
    expected.backward(values[3].double())  # type: ignore[no-untyped-call]
    tolerance = 2e-6 if dtype == torch.float32 else 1e-2
    for mine, wanted in zip(results(values, batch, window), (expected.detach(), *(t.grad for t in exact)), strict=True):
        assert wanted is not None
        scale = float(wanted.abs().max())
        torch.testing.assert_close(mine.double(), wanted, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_neither_neighbours_nor_threads_change_a_bit(dtype: torch.dtype) -> None:
    batch = BATCHES["trees"]
    values = drawn(SHAPES["shared keys"], batch.layout.length, dtype)
    before = torch.get_num_threads()
    found = []
    for count in (1, 4):
        torch.set_num_threads(count)
        found.append(results(values, batch, None))
    torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
    alone = pack([TokenSequence(ROWS[1], [True] * len(ROWS[1]), "")])
    stream = BATCHES["rows"]
    start = next(int(r[0]) for r in stream.layout.families.rows if int(r[1]) == len(ROWS[1]))
    all_values = drawn(SHAPES["64"], stream.layout.length, dtype)
    together = results(all_values, stream, None)
    part = slice(start, start + len(ROWS[1]))
    for one, other in zip(results([t[part] for t in all_values], alone, None), together, strict=True):
        assert torch.equal(one, other[part])


def test_padding_is_neither_read_nor_written() -> None:
    batch = BATCHES["rows"]
    values = drawn(SHAPES["64"], batch.layout.length, torch.float32)
    real = torch.zeros(batch.layout.length, dtype=torch.bool)
    for start, length, *_ in batch.layout.families.rows.tolist():
        real[start : start + length] = True
    assert not bool(real.all())
    for t in values:
        t[~real] = float("nan")
    for found in results(values, batch, None):
        assert bool(found[real].isfinite().all())
        assert bool((found[~real] == 0).all())


def test_dropout_and_soft_caps_are_left_to_pytorch() -> None:
    q, k, v, _ = drawn(SHAPES["64"], 4, torch.float32)
    assert not native_attention.covers(q, k, v, {"dropout": 0.1})
    assert not native_attention.covers(q, k, v, {"softcap": 30.0})
    assert not native_attention.covers(q.double(), k.double(), v.double(), {})


def test_scaling_is_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = BATCHES["trees"]
    q, k, v, _ = drawn(SHAPES["shared keys"], batch.layout.length, torch.float32)
    streams = [t.transpose(0, 1)[None] for t in (q, k, v)]
    module = torch.nn.Module()
    found = []
    for fast in (True, False):
        if not fast:
            monkeypatch.setattr(native_attention, "covers", lambda *_: False)
        out, _ = packed_attention(module, *streams, None, layout=batch.layout, scaling=0.3)
        found.append(out[0])
    rows = batch.layout.families.rows.tolist()
    real = torch.cat([torch.arange(start, start + length) for start, length, *_ in rows])
    torch.testing.assert_close(found[0][real], found[1][real], rtol=2e-6, atol=2e-6)
