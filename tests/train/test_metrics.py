from __future__ import annotations

import json
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tunesmith.train.metrics import MetricLog, truncate_after


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lines_are_on_disk_before_close_and_missing_is_null(tmp_path: Path) -> None:
    log = MetricLog(tmp_path / "m.jsonl")
    log.write(1, {"train/loss": 0.5, "eval/rate": None, "bad": float("nan")})
    assert lines(tmp_path / "m.jsonl") == [{"step": 1, "train/loss": 0.5, "eval/rate": None, "bad": None}]
    assert log.offset == (tmp_path / "m.jsonl").stat().st_size
    log.sync()
    log.close()


def test_resume_cuts_later_and_torn_lines(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    log = MetricLog(path)
    for step in (1, 2, 2, 3):
        log.write(step, {"x": float(step)})
    log.close()
    with path.open("ab") as stream:
        stream.write(b'{"step": 1, "x"')
    log = MetricLog(path, step=2)
    log.write(3, {"x": 30.0})
    log.close()
    assert [(line["step"], line["x"]) for line in lines(path)] == [(1, 1.0), (2, 2.0), (2, 2.0), (3, 30.0)]


def test_truncate_stops_at_what_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 1}\n\x00\x00\x00\n{"step": 2}\n')
    truncate_after(path, 5)
    assert path.read_bytes() == b'{"step": 1}\n'
    truncate_after(tmp_path / "absent", 1)


def test_tensorboard_shows_the_same_numbers_once(tmp_path: Path) -> None:
    for start, stop in ((0, 4), (2, 5)):
        log = MetricLog(tmp_path / "m.jsonl", step=start, tensorboard=tmp_path / "tb")
        for step in range(start + 1, stop + 1):
            log.write(step, {"train/loss": start + step / 2, "none": None})
        log.close()
    events = EventAccumulator(str(tmp_path / "tb")).Reload()
    assert events.Tags()["scalars"] == ["train/loss"]
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [
        (1, 0.5),
        (2, 1.0),
        (3, 3.5),
        (4, 4.0),
        (5, 4.5),
    ]
