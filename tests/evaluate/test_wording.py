from __future__ import annotations

import pytest

from tunesmith.evaluate.wording import duration, in_order, interval, pair_name, percent, points, sample_size
from tunesmith.statistics.rates import Rate


def test_numbers_as_people_read_them():
    assert percent(0.631) == "63.1\N{NO-BREAK SPACE}%"
    assert interval(Rate(0.5, 0.461, 0.559, 9)) == "46.1–55.9\N{NO-BREAK SPACE}%"
    assert points(-0.061) == "\N{MINUS SIGN}6.1"
    assert points(0.061) == "+6.1"


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.24, "4.2 s"), (59.97, "1 min 00 s"), (187, "3 min 07 s"), (3900, "1 h 05 min")]
)
def test_durations(seconds, text):
    assert duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


def test_models_in_the_order_of_training():
    assert in_order({"mine": 1, "ppo_ptx": 1, "base": 1}) == ["base", "ppo_ptx", "mine"]
    assert pair_name("ppo_ptx_vs_base_large") == "PPO-ptx vs Large base, prompted"


def test_sample_sizes():
    assert sample_size([Rate(0, 0, 1, 4), Rate(0, 0, 1, 4)]) == "n = 4"
    assert sample_size([Rate(0, 0, 1, 9), Rate(0, 0, 1, 4)]) == "n = 4–9"
