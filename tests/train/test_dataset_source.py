"""T-GA-6, T-RES-3: each row once an epoch, ragged last steps, resume, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.train.dataset_source import DatasetSource, Walk


@dataclass(frozen=True)
class Rows:
    kind: str
    weight: float
    keys: Sequence[str]


def source(n: int = 10, **walk: object) -> DatasetSource[int]:
    values = {"global_batch_size": 4, "micro_batch_tokens": 6, **walk}
    return DatasetSource(
        list(range(n)),
        sizes=[1 + i % 3 for i in range(n)],
        build=lambda rows: Rows("rows", float(len(rows)), [str(r) for r in rows]),
        walk=Walk(**values),  # type: ignore[arg-type]
    )


def steps(made: DatasetSource[int]) -> list[list[str]]:
    found = []
    while (batches := made.next_step()) is not None:
        found.append([key for batch in batches for key in batch.keys])
    return found


def test_an_epoch_holds_each_row_once_and_its_last_step_holds_what_is_left() -> None:
    made = source(num_train_epochs=2)
    assert made.total_steps == 6
    taken = steps(made)
    assert [len(step) for step in taken] == [4, 4, 2, 4, 4, 2]
    assert sorted(k for step in taken[:3] for k in step) == sorted(k for step in taken[3:] for k in step)
    assert taken[:3] != taken[3:]


def test_micro_batches_hold_at_most_so_many_tokens() -> None:
    made = source(n=30, global_batch_size=30)
    batches = made.next_step() or []
    assert len(batches) > 1
    for batch in batches:
        assert sum(1 + int(key) % 3 for key in batch.keys) <= 6


def test_max_steps_overrides_epochs() -> None:
    assert [len(step) for step in steps(source(max_steps=4))] == [4, 4, 2, 4]
    assert source(num_train_epochs=0.5).total_steps == 2


def test_t_res_3_resumed_in_the_middle_of_an_epoch() -> None:
    expected = steps(source(num_train_epochs=3))
    first = source(num_train_epochs=3)
    begun = [[k for b in first.next_step() or [] for k in b.keys] for _ in range(4)]
    second = source(num_train_epochs=3)
    second.load_state_dict(first.state_dict())
    assert begun + steps(second) == expected


def test_ranks_share_each_step_without_overlap() -> None:
    whole = steps(source(n=11))
    parts = [steps(source(n=11, rank=rank, world_size=2)) for rank in range(2)]
    for step, (left, right) in zip(whole, zip(*parts, strict=True), strict=True):
        assert not set(left) & set(right)
        assert set(left) | set(right) == set(step)


def test_wrong_sizes_and_no_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="must be positive"):
        source(global_batch_size=0)
    with pytest.raises(DataError, match="empty"):
        source(n=0)
