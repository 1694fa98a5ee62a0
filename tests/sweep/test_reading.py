from __future__ import annotations

from pathlib import Path

from tunesmith.sweep.reading import MetricTail, value_of


def test_only_whole_new_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = MetricTail(path, "v")
    assert tail.read() == []
    path.write_text('{"step": 1, "v": 2.0}\n{"step": 2, "w": 1}\n{"step": 3, "v": 1')
    assert tail.read() == [(1, 2.0)]
    with path.open("a") as stream:
        stream.write('.5}\n{"step": 4, "v": null}\n')
    assert tail.read() == [(3, 1.5)]
    assert tail.read() == [] and tail.points == [(1, 2.0), (3, 1.5)]


def test_what_a_resumed_run_took_back_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = MetricTail(path, "v")
    path.write_text("".join(f'{{"step": {i}, "v": {i}}}\n' for i in range(1, 5)))
    tail.read()
    path.write_text('{"step": 1, "v": 9}\n')
    tail.read()
    assert tail.points == [(1, 9.0)]


def test_a_run_is_worth_its_best_validation_or_its_last_tenth() -> None:
    points = [(i, float(v)) for i, v in enumerate([5, 1, 3, 4])]
    assert value_of(points, best=True, larger=False) == 1
    assert value_of(points, best=True, larger=True) == 5
    assert value_of(points, best=False, larger=True) == 4
    assert value_of([(i, float(i)) for i in range(20)], best=False, larger=True) == 18.5
    assert value_of([], best=True, larger=True) is None
