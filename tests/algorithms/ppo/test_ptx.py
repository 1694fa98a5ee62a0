"""The pretraining stream (T-RL-19)."""

from __future__ import annotations

import pytest

from tunesmith.algorithms.ppo.ptx import PtxStream
from tunesmith.core.errors import DataError

ROWS = [[5 + i] * (2 + i) for i in range(9)]


def stream(**more: float) -> PtxStream:
    settings = {"ptx_ratio": 8, "minibatch_size": 4, "micro_batch_tokens": 16, "seed": 1, **more}
    return PtxStream(ROWS, **settings)  # type: ignore[arg-type]


def test_t_rl_19_eight_rows_an_episode_and_no_prompt_mask() -> None:
    batches = stream().take()
    assert sum(len(b.keys) for b in batches) == 32
    for batch in batches:
        lengths = [len(ROWS[int(key.removeprefix("ptx:"))]) for key in batch.keys]
        assert batch.weight == sum(lengths) - len(lengths), "every token but the first of each row"
        assert batch.tokens == sum(lengths) <= 16


@pytest.mark.parametrize(("ratio", "rows"), [(0.3, 2), (1.0, 4), (1.1, 5)])
def test_a_ratio_that_is_no_whole_number_is_rounded_up(ratio: float, rows: int) -> None:
    assert sum(len(b.keys) for b in stream(ptx_ratio=ratio).take()) == rows


def test_t_res_3_a_restored_stream_goes_on_where_it_was() -> None:
    one, other = stream(), stream()
    one.take()
    other.load_state_dict(one.state_dict())
    assert [b.keys for b in one.take()] == [b.keys for b in other.take()]


def test_no_text_is_refused() -> None:
    with pytest.raises(DataError, match="no pretraining text"):
        PtxStream([], ptx_ratio=1, minibatch_size=4, micro_batch_tokens=16, seed=0)
