"""Causal attention over a packed stream, plugged into transformers' own model classes.

The models run unchanged, on a batch of one long row; this function is handed each layer's queries, keys and values and
does, for each block of the layout, what separate forward passes would have done: a row sees itself up to its own
position, and, when its block continues another, the real tokens of its parent row. Padding is never seen, because it
stands to the right of every real token (or is masked in the parent).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface

from tunesmith.core.errors import TunesmithError
from tunesmith.data.layout import Block, Layout
from tunesmith.model.cache import KeyValueCache
from tunesmith.model.native import attention as native_attention

NAME = "tunesmith"


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend within the segments of a stream.

    query (1, H, N, D), key and value (1, H_kv, N, D) -> ((1, N, H, D), None). Keyword arguments: `layout` (required),
    `cache` (a `KeyValueCache`: filled when given with a layout of prompts, read and extended in decoding), `scaling`,
    `dropout`, `softcap`, `sliding_window` as the model's class passes them.

    Raises:
        TunesmithError: the model was called without a layout.
    """
    cache: KeyValueCache | None = kwargs.get("cache")
    layout: Layout | None = kwargs.get("layout")
    if cache is not None and layout is None:
        return _decode(module, query, key, value, cache, kwargs), None
    if layout is None:
        raise TunesmithError("a packed model was called without a layout", remedy="call it through model.forward")
    if cache is not None:
        cache.fill(_layer(module), layout, key, value)
    q, k, v = (t[0].transpose(0, 1) for t in (query, key, value))  # (N, heads, D)
    if native_attention.covers(q, k, v, kwargs):
        return native_attention.attend(q, k, v, layout.families, kwargs)[None], None
    # Split, not sliced: a split's gradient is one concatenation, a slice's is a stream of zeros for each block.
    sizes = [block.stop - block.start for block in layout.blocks]
    parts = _Parts(*(torch.split(t, sizes) for t in (q, k, v)))
    outputs = [_block(layout, index, parts, kwargs) for index in range(len(sizes))]
    return (outputs[0] if len(outputs) == 1 else torch.cat(outputs))[None], None


def _layer(module: torch.nn.Module) -> int:
    index = getattr(module, "layer_idx", None)
    if not isinstance(index, int):
        raise TunesmithError(f"{type(module).__name__} does not say which layer it is")
    return index


class _Parts(NamedTuple):
    """Each block's queries, keys and values (rows * width, heads, D)."""

    q: Sequence[Tensor]
    k: Sequence[Tensor]
    v: Sequence[Tensor]


def _rows(part: Tensor, block: Block) -> Tensor:
    """(rows * width, heads, D) -> (rows, heads, width, D), a view."""
    return part.reshape(block.rows, block.width, *part.shape[1:]).transpose(1, 2)


def _block(layout: Layout, index: int, parts: _Parts, options: dict[str, Any]) -> Tensor:
    block = layout.blocks[index]
    queries, keys, values = (_rows(part[index], block) for part in parts)
    window = options.get("sliding_window")
    mask: Tensor | None = None
    if block.parent is not None and block.parent_rows is not None:
        parent = layout.blocks[block.parent]
        before = (_rows(part[block.parent], parent).index_select(0, block.parent_rows) for part in (parts.k, parts.v))
        keys, values = (torch.cat(pair, dim=2) for pair in zip(before, (keys, values), strict=True))
        mask = _child_mask(parent, block, window)
    elif window is not None and block.width > window:
        distance = _distance(block.width, queries.device)
        mask = ((distance >= 0) & (distance < window))[None, None]
    out = _attend(queries, keys, values, mask, options)  # (rows, heads, width, D)
    return out.transpose(1, 2).reshape(block.rows * block.width, *out.shape[1:2], out.shape[-1])


def _distance(width: int, device: torch.device) -> Tensor:
    place = torch.arange(width, device=device)
    return place[:, None] - place[None, :]


def _child_mask(parent: Block, block: Block, window: int | None) -> Tensor:
    """(rows, 1, width, parent.width + width), True = may be seen."""
    assert block.parent_rows is not None
    device = block.lengths.device
    lengths = parent.lengths.index_select(0, block.parent_rows)  # (rows,)
    seen = torch.arange(parent.width, device=device)[None, :] < lengths[:, None]
    before = seen[:, None, :].expand(block.rows, block.width, parent.width)
    distance = _distance(block.width, device)
    own = distance >= 0
    if window is not None:
        place = lengths[:, None, None] + torch.arange(block.width, device=device)[None, :, None]
        before = before & (place - torch.arange(parent.width, device=device) < window)
        own = own & (distance < window)
    return torch.cat([before, own[None].expand(block.rows, -1, -1)], dim=-1)[:, None]


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, options: dict[str, Any]) -> Tensor:
    """(rows, H, width, D) x (rows, H_kv, S, D) -> (rows, H, width, D); without a mask, causal."""
    groups = q.shape[1] // k.shape[1]
    if groups > 1:
        k, v = k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)
    scaling, dropout, softcap = options.get("scaling"), options.get("dropout", 0.0), options.get("softcap")
    if softcap is not None:
        return _softcapped(q, k, v, mask, scaling=scaling, dropout=dropout, softcap=softcap)
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=mask is None, scale=scaling
    )


def _softcapped(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, *, scaling: float | None, dropout: float, softcap: float
) -> Tensor:
    """Gemma 2's attention: scores pass through softcap * tanh(score / softcap) before the softmax."""
    scores = (q @ k.transpose(-1, -2)) * (scaling if scaling is not None else q.shape[-1] ** -0.5)
    scores = softcap * torch.tanh(scores / softcap)
    if mask is None:
        mask = (_distance(q.shape[2], q.device) >= 0)[None, None]
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1, dtype=torch.float32).to(q.dtype)
    return F.dropout(weights, dropout) @ v


def _decode(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, cache: KeyValueCache, options: dict[str, Any]
) -> Tensor:
    """One new token for every live row: the stream holds one position a row."""
    q = query[0].transpose(0, 1)[:, :, None]  # (B, H, 1, D)
    k, v = cache.append(_layer(module), key[0].transpose(0, 1), value[0].transpose(0, 1))
    mask = cache.visible(options.get("sliding_window"))
    out = _attend(q, k, v, mask, options)  # (B, H, 1, D)
    return out.transpose(1, 2).reshape(1, q.shape[0], q.shape[1], q.shape[3])


def _no_mask(*args: object, **kwargs: object) -> None:
    """Tell transformers that the attention function needs no mask tensor: the layout says it all."""


AttentionInterface.register(NAME, packed_attention)
AttentionMaskInterface.register(NAME, _no_mask)
