from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.data.cycle import Cycle


def test_each_epoch_holds_every_row_once_in_another_order() -> None:
    cycle = Cycle(7, seed=3)
    first, second = cycle.take(7), cycle.take(7)
    assert sorted(first) == sorted(second) == list(range(7))
    assert first != second


def test_drawing_crosses_epochs_unless_told_not_to() -> None:
    assert len(Cycle(5, seed=0).take(12)) == 12
    cycle = Cycle(5, seed=0)
    assert [len(cycle.take(3, within_epoch=True)) for _ in range(4)] == [3, 2, 3, 2]


def test_t_res_3_a_restored_cycle_goes_on_where_it_was() -> None:
    whole = Cycle(11, seed=5)
    expected = [whole.take(4) for _ in range(9)]
    first = Cycle(11, seed=5)
    begun = [first.take(4) for _ in range(4)]
    second = Cycle(11, seed=5)
    second.load_state_dict(first.state_dict())
    assert begun + [second.take(4) for _ in range(5)] == expected


def test_another_data_set_is_refused() -> None:
    with pytest.raises(ConfigError, match="12 rows"):
        Cycle(12, seed=0).load_state_dict(Cycle(11, seed=0).state_dict())
