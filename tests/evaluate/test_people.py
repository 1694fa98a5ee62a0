from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.people import read_people

REAL = Path(__file__).parents[3] / "shared" / "data" / "pandalm" / "testset-v1.json"
HEADER = ["Prompt", "Model A", "Model B", "Winner"]
ROWS = [
    ["p1", "x", "y", "a"], ["p1", "x", "y", "model_b"], ["p2", "y", "x", "y"], ["p2", "y", "x", "Tie"],
    ["p3", "x", "y", "x"], ["p4", "x", "y", None], ["p4", "x", "y", "maybe"],
]  # fmt: skip


def test_votes_in_many_words(tmp_path):
    file = tmp_path / "votes.csv"
    file.write_text("\n".join(",".join("" if cell is None else cell for cell in row) for row in [HEADER, *ROWS]))
    found = read_people([file], seed=0)
    assert found.judgements == 5
    [(pair, preference)] = found.win_rates.items()
    assert pair == "x vs y"
    assert (preference.wins, preference.ties, preference.losses) == (2, 1, 2)
    assert preference.rate.n == 3
    assert found.left_out == {"no vote": 1, "a vote that cannot be read": 1}
    assert found.agreement is not None
    assert (found.agreement.value, found.agreement.n) == (0.0, 2)


def test_a_spreadsheet_says_the_same(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [HEADER, *ROWS]:
        book.active.append(row)
    book.save(tmp_path / "votes.xlsx")
    (tmp_path / "votes.csv").write_text("\n".join(",".join(c or "" for c in row) for row in [HEADER, *ROWS]))
    sheet, text = (read_people([tmp_path / f"votes.{kind}"], seed=0) for kind in ("xlsx", "csv"))
    assert sheet == text


def test_three_annotators_a_row(tmp_path):
    rows = [
        {"cmp_key": "a_b", "instruction": f"i{n}", "response1": True, "response2": "x",
         "annotator1": 1, "annotator2": 1 + n % 2, "annotator3": 1}
        for n in range(4)
    ]  # fmt: skip
    file = tmp_path / "votes.json"
    file.write_text(json.dumps(rows))
    found = read_people([file], seed=0)
    assert found.win_rates["a vs b"].rate.value == pytest.approx(10 / 12)
    # Two items with three equal pairs of people, two with one of three.
    assert found.agreement is not None and found.agreement.value == pytest.approx(8 / 12)
    assert [step.model for step in found.ladder] == ["a", "b"]


def test_a_table_of_something_else(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a table of comparisons"):
        read_people([tmp_path / "t.csv"], seed=0)


@pytest.mark.real_data
def test_pandalm():
    """999 pairs, three annotators each: SOURCE.md counts 120 items on which they disagree."""
    if not REAL.is_file():
        pytest.skip("../shared/data is absent")
    found = read_people([REAL], seed=0)
    assert found.judgements == 2997
    assert not found.left_out
    assert found.agreement is not None and found.agreement.value == pytest.approx(0.92, abs=0.005)
    assert found.ladder[0].model == "llama-7b"
