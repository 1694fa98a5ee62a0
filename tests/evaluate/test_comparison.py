from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.comparison import compare_logs, corrected_together
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Measure, Written
from tunesmith.evaluate.task import Ask, Item

MEASURES = {
    "t": [
        Measure("good", "good", primary=True),
        Measure("bad", "bad", higher_is_better=False, primary=True),
        Measure("other", "other"),
    ]
}


def log(values: list[dict[str, list[float]]], *, clusters: int | None = None, begin: int = 0) -> list[Sample]:
    found = []
    for i, scores in enumerate(values, begin):
        item = Item(str(i), str(i % clusters if clusters else i), Ask((), f"prompt {i}"), None)
        found.append(Sample(task="t", item=item, response=Written((f"text {i}",), (True,)), scores=scores))
    return found


def test_direction_decides_what_is_better():
    before = log([{"good": [0.0], "bad": [0.0], "other": [0.0]}] * 40)
    after = log([{"good": [1.0], "bad": [1.0], "other": [1.0]}] * 30 + [{"good": [0.0], "bad": [0.0]}] * 10)
    found = compare_logs(before, after, MEASURES, correction="holm", seed=0)
    assert [d.verdict for d in found.differences] == ["better", "worse", "not tested"]
    good, _, other = found.differences
    assert (good.first, good.second) == (0.0, 0.75)
    assert good.rate.low > 0.5
    assert good.adjusted == pytest.approx(min(1.0, 2 * good.p))
    assert other.paired == 30, "an item without a value is compared with nothing"
    assert len(found.better) == 8 and not found.worse
    back = compare_logs(after, before, MEASURES, correction="holm", seed=0)
    assert back.differences[0].rate.value == -0.75
    assert len(back.worse) == 8 and not back.better


def test_equal_logs_show_no_change_and_still_an_interval():
    same = log([{"good": [1.0]}] * 30)
    [found] = compare_logs(same, same, {"t": MEASURES["t"][:1]}, correction="bh", seed=0).differences
    assert found.verdict == "no measurable change"
    assert found.rate.low < 0.0 < found.rate.high


def test_clusters_are_resampled_together():
    """Ten items of one paragraph are not ten independent observations."""
    generator = np.random.default_rng(0)
    shift = generator.normal(0.02, 0.2, size=20)
    before = log([{"good": [0.5]}] * 200, clusters=20)
    after = log([{"good": [0.5 + float(shift[i % 20])]} for i in range(200)], clusters=20)
    only = {"t": MEASURES["t"][:1]}
    [clustered] = compare_logs(before, after, only, correction="holm", seed=0).differences
    flat = [log([{"good": [0.5]}] * 200), log([dict(s.scores) for s in after])]
    [naive] = compare_logs(*flat, only, correction="holm", seed=0).differences
    assert clustered.rate.n == 20
    assert clustered.rate.high - clustered.rate.low > 2 * (naive.rate.high - naive.rate.low)
    assert clustered.p > naive.p


def test_items_of_one_log_only_are_counted():
    found = compare_logs(
        log([{"good": [1.0]}] * 4), log([{"good": [1.0]}] * 6, begin=2), MEASURES, correction="holm", seed=0
    )
    assert found.alone == (2, 4)
    with pytest.raises(DataError, match="share no item"):
        compare_logs(log([{"good": [1.0]}]), log([{"good": [1.0]}], begin=9), MEASURES, correction="holm", seed=0)


def test_runs_compared_with_one_parent_are_one_family_of_tests():
    """Two runs double the number of looks: Holm's smallest p is multiplied by all of them."""
    before = log([{"good": [0.0], "bad": [0.0]}] * 12)
    after = log([{"good": [1.0], "bad": [0.0]}] * 7 + [{"good": [0.0], "bad": [0.0]}] * 5)
    one = compare_logs(before, after, MEASURES, correction="holm", seed=0)
    p = one.differences[0].p
    assert one.differences[0].adjusted == pytest.approx(2 * p)
    both = corrected_together([one, one], "holm")
    assert both[0].differences[0].adjusted == pytest.approx(4 * p)
    assert both[1].differences[1].adjusted == 1.0


def test_every_task_has_its_turn_among_the_shown_samples():
    measures = {name: MEASURES["t"][:1] for name in ("a", "b")}

    def both(value: float) -> list[Sample]:
        return [replace(s, task=t) for t in ("a", "b") for s in log([{"good": [value]}] * 20)]

    found = compare_logs(both(0.0), both(1.0), measures, correction="holm", seed=0)
    assert [c.task for c in found.better] == ["a", "b"] * 4
