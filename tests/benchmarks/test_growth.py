"""The growth benchmark's files and arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.growth import report, write_chats
from benchmarks.growth_run import Run

from tunesmith.core.records import Demonstration, Message
from tunesmith.formats import read

FEW = [Run(2.0, 10.0, 1000, 1, 500, 800), Run(4.0, 10.0, 3000, 1, 400, 700)]
MANY = [Run(9.0, 10.0, 1800, 1, 5000, 5400)]


def test_a_smaller_file_is_the_beginning_of_a_larger_one(tmp_path: Path) -> None:
    for rows in (3, 8):
        write_chats(tmp_path / f"{rows}.jsonl", rows)
    few, many = (read(tmp_path / f"{rows}.jsonl", kind="demonstration").records for rows in (3, 8))
    assert many[:3] == few and len(many) == len({r.messages for r in many if isinstance(r, Demonstration)}) == 8
    assert all([m.role for m in r.messages] == ["user", "assistant"] for r in few if isinstance(r, Demonstration))
    assert all(10 <= len(m.content.split()) <= 200 for m in _messages(many))


def _messages(records: list) -> list[Message]:
    return [message for record in records for message in record.messages]


def test_figures_are_medians_ratios_to_the_smallest_size_and_bytes_a_further_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = report({1000: MANY, 100: FEW})["rows"]
    few, many = body["100"], body["1000"]
    assert (few["median"], few["low"], few["high"], few["median_ratio"]) == (200, 100, 300, 1)
    assert (few["setup_s"], few["setup_s_per_1000"]) == (3, 30)
    assert (few["bytes_after_setup"], few["bytes_peak"], few["bytes_of_steps"]) == (500, 800, 300)
    assert "bytes_per_row" not in few and len(few["runs"]) == 2
    assert many["median_ratio"] == 0.9 and many["setup_s_per_1000_ratio"] == 0.3
    assert (many["bytes_after_setup_ratio"], many["bytes_peak_ratio"]) == (10, 6.75)
    assert many["bytes_of_steps"] == 400 and many["bytes_per_row"] == 5
    head, second, first = capsys.readouterr().err.splitlines()
    assert len(head) == len(second) == 130
    assert first.split()[:5] == ["100", "200", "100", "300", "1.00"]
    assert second.split()[:5] == ["1,000", "180", "180", "180", "0.90"]
    assert second.split()[5:] == ["9.0", "9.00", "0.30", "0", "10.00", "0", "6.75", "5"]
