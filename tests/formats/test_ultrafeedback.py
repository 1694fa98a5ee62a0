from __future__ import annotations

from typing import Any

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Ranking
from tunesmith.formats import ultrafeedback
from tunesmith.formats.detection import format_of


def parse(row: dict[str, Any]) -> Ranking:
    assert format_of(row) == "ultrafeedback"
    (record,) = ultrafeedback.parse(row)
    assert isinstance(record, Ranking)
    return record


def test_the_original_form_takes_the_fine_grained_score() -> None:
    completions = [
        {"model": "m1", "response": "x", "fine-grained_score": 1.25, "overall_score": 10.0},
        {"model": "m2", "response": "y", "fine-grained_score": 4.5, "overall_score": 8.0},
        {"model": "m3", "response": "z", "annotations": {"helpfulness": {"Rating": "4"}, "honesty": {"Rating": "5"}}},
        {"model": "m4", "response": "w", "annotations": {"helpfulness": {"Rating": "N/A"}}},
    ]
    record = parse({"instruction": "q", "completions": completions, "source": "evol"})
    assert record.rankings[0].order == (("b", "c"), ("a",))
    assert record.meta == {"source": "evol", "ratings": {"a": 1.25, "b": 4.5, "c": 4.5}}
    assert [c.model for c in record.completions] == ["m1", "m2", "m3", "m4"]


def test_the_column_form() -> None:
    row = {
        "prompt": "q",
        "generations": ["x", "y"],
        "ratings": [3.0, 5],
        "generation_models": ["m", "n"],
        "labelling_model": "j",
    }
    label = parse(row).rankings[0]
    assert (label.labeler, label.order, label.ratings) == ("j", (("b",), ("a",)), {"a": 3, "b": 5})


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([1], "list of 2 numbers"),
        ([1, "NaN"], "finite"),
        ([1, True], "finite"),
        ([1, None], "1 of 2"),
        ([1, "high"], "finite"),
    ],
)
def test_ratings_that_rank_nothing(ratings: list[Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        ultrafeedback.parse({"prompt": "q", "generations": ["x", "y"], "ratings": ratings})
