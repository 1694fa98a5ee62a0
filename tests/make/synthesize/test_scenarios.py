from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tunesmith.core.errors import DataError
from tunesmith.make.synthesize.scenarios import Cell, fill, gaps, read_coverage

from ..rows import demo

PLAIN = [demo(f"Describe the famous harbour of town {n} please.", f"Long quay {n}.", task="qa") for n in range(4)]


def test_the_matrix_and_its_gaps(tmp_path: Path) -> None:
    path = tmp_path / "coverage.json"
    path.write_bytes(orjson.dumps({"matrix": {"qa": {"plain": 9, "noise": 1, "edge": 0}}}))
    matrix = read_coverage(path)
    assert matrix == {"qa": {"plain": 9, "noisy": 1, "edge": 0}}
    assert gaps(matrix, 2) == [Cell("qa", "noisy", 1), Cell("qa", "edge", 2)]


@pytest.mark.parametrize("body", [[1], {"qa": 3}, {"qa": {"plain": -1}}, {"qa": {"plain": True}}, {"matrix": 3}])
def test_no_matrix(tmp_path: Path, body: object) -> None:
    (tmp_path / "c.json").write_bytes(orjson.dumps(body))
    with pytest.raises(DataError):
        read_coverage(tmp_path / "c.json")


def test_cells_are_filled_by_methods_and_short_ones_say_why() -> None:
    cells = [Cell("qa", "noisy", 5), Cell("qa", "edge", 1), Cell("poems", "noisy", 1), Cell("qa", "ambiguous", 1)]
    made = fill(PLAIN, cells, seed=0, say=None)
    assert made.made == {"qa x noisy": 5, "qa x edge": 0, "poems x noisy": 0, "qa x ambiguous": 0}
    assert all(r.meta["scenario"] == "noisy" and r.meta["task"] == "qa" for r in made.records)
    assert len({r.meta["augmented"]["method"] for r in made.records}) == 5, "no method prevails"
    assert "only a teacher" in made.short["qa x edge"] and "no plain record" in made.short["poems x noisy"]
    assert "gave no more" in made.short["qa x ambiguous"]


def test_a_teacher_fills_what_no_method_can() -> None:
    def say(text: str) -> str:
        if text.startswith("Here is a request"):
            assert "edge case" in text
            return "Describe the harbour of a town without a harbour."
        return "It has none."

    made = fill(PLAIN, [Cell("qa", "edge", 1)], seed=0, say=say, teacher="t")
    [record] = made.records
    assert record.meta["scenario"] == "edge" and record.meta["synthesized"]["teacher"] == "t" and not made.short
