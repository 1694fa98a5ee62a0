from __future__ import annotations

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.places import joined, places_of
from tunesmith.core.records import Document


def test_places_of_several_parts_keep_their_files() -> None:
    rows = [CheckedRow(file, line, Document(text="")) for file, line in (("a", 1), ("b", 1), ("a", 2), ("b", 7))]
    places = joined([places_of(rows[:1]), places_of(rows[1:3]), places_of([]), places_of(rows[3:])])
    assert [places.at(i) for i in range(len(places))] == [("a", 1), ("b", 1), ("a", 2), ("b", 7)]
    assert places.named(3) == "b:7"
    assert len(joined([])) == 0
