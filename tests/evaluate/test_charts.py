from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tunesmith.evaluate import charts
from tunesmith.evaluate.charts import Panel
from tunesmith.statistics.rates import Rate, wilson

from .full_results import full_results

RESULTS = full_results()


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter() if element.tag.endswith("text") and element.text]


def test_rate_bars_show_every_model_and_value():
    shown = texts(charts.rate_bars({"sft": wilson(7, 10), "base": wilson(0, 10)}, name="x", label="x"))
    assert shown.index("Base") < shown.index("SFT")
    assert {"70.0 %", "0.0 %", "100 %"} <= set(shown)


def test_small_rates_get_a_small_scale():
    assert "20 %" in texts(charts.rate_bars({"sft": Rate(0.01, 0.0, 0.03, 400)}, name="x", label="x"))


def test_tasks_show_names_and_n():
    assert "open qa  (n = 10)" in texts(charts.task_dots(RESULTS.models))


def test_win_rates_show_pairs_and_both_panels():
    shown = texts(charts.win_rate_dots(RESULTS.win_rates))
    assert {"PPO-ptx vs SFT  (n = 100)", "64.0 %", "58.0 %", "Gold judge", "Held-out labelers"} <= set(shown)


def test_no_labelers_no_legend_entry():
    only_gold = {"ppo_ptx_vs_base": RESULTS.win_rates["ppo_ptx_vs_base"]}
    assert "Held-out labelers" not in texts(charts.win_rate_dots(only_gold))


@pytest.mark.parametrize("tax", [{"sft": 0.1, "ppo": 0.4}, {"sft": -0.1, "ppo_ptx": -0.2}, {"sft": 0.0}])
def test_tax_of_either_sign(tax):
    shown = texts(charts.tax_bars(tax))
    assert sum("0." in text for text in shown) >= len(tax)


def test_calibration_and_curve_are_drawn():
    assert ET.fromstring(charts.calibration_plot(RESULTS.reward_model.reliability)) is not None
    assert ET.fromstring(charts.calibration_plot(RESULTS.reward_model.reliability[:1])) is not None
    curve = texts(charts.overoptimisation_plot(RESULTS.overoptimisation))
    assert "over-optimisation from 20.1 nats" in curve


@pytest.mark.parametrize("points", [[], [(1, 2.0)], [(1, 2.0), (2, 2.0)]])
def test_lines_of_any_length(points):
    assert ET.fromstring(charts.line_plot(Panel("KL", "nats", {"SFT": points}), name="x")) is not None
