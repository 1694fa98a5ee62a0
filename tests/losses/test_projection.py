"""Chunks cover every row once; the weight stays as it is. The gradients are tested by the losses that share them."""

from __future__ import annotations

import pytest
import torch

from tunesmith.core.errors import ConfigError
from tunesmith.losses.projection import CHUNK_BYTES, Gradients, Head, chunks_of, prepared
from tunesmith.native.weight_gradients import computes


def test_chunks_cover_every_row_once_and_hold_no_more_logits_than_allowed() -> None:
    weight = torch.empty(20_000, 1)
    for rows in (0, 1, 255, 256, 257, 1000):
        covered = [i for part in chunks_of(torch.empty(rows, 1), weight) for i in range(rows)[part]]
        assert covered == list(range(rows))
    assert next(chunks_of(torch.empty(9, 1), torch.empty(4096, 1))).stop * 4096 * 4 == CHUNK_BYTES


def test_the_weight_keeps_its_dtype_and_no_strange_head() -> None:
    hidden, weight, bias = torch.zeros(2, 3, dtype=torch.bfloat16), torch.zeros(4, 3), torch.zeros(4)
    found = prepared(hidden, weight, bias, Head(1.0, None))
    assert [t.dtype for t in found if t is not None] == [torch.bfloat16, torch.float32, torch.float32]
    for head in (Head(0.0, None), Head(1.0, -1.0)):
        with pytest.raises(ConfigError, match="positive"):
            prepared(hidden, weight, bias, head)


@pytest.mark.parametrize("vocabulary", [48, 50])
def test_the_weights_gradient_of_bf16_chunks_is_summed_in_fp32(vocabulary: int) -> None:
    """In the processor's tiles where there are any and the vocabulary suits them (48), elsewhere by PyTorch."""
    generator = torch.Generator().manual_seed(vocabulary)
    hidden, weight, grad = (
        torch.randn(n, m, generator=generator).bfloat16() for n, m in ((70, 32), (vocabulary, 32), (70, vocabulary))
    )
    sums = Gradients(hidden, weight, None, (True, True, False))
    for rows in (slice(0, 40), slice(40, 70)):
        sums.add(rows, grad[rows])
    assert sums.weight is not None and sums.weight.dtype == torch.float32
    wanted = grad.double().T @ hidden.double()
    assert float((sums.weight - wanted).abs().max() / wanted.abs().max()) < (
        1e-6 if computes(grad, vocabulary) else 0.01
    )
