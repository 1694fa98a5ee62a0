from __future__ import annotations

from tunesmith.core.records import RankingLabel
from tunesmith.label.judgements import Judged, Met, against_gold, by_item, mean_of, meetings, order_units, rate_of, taus
from tunesmith.store.annotation.labels import LabelEvent


def item(number: int, *said: tuple[str, tuple[tuple[str, ...], ...], int | None, float]) -> Judged:
    labels = [RankingLabel(labeler=name, order=order) for name, order, _, _ in said]
    events = [
        LabelEvent(n, f"k{n}", "label", number, name, {}, (), None, version, time)
        for n, (name, _, version, time) in enumerate(said)
    ]
    return Judged(number, labels, events, {"a": 1, "b": 2, "c": 3})


UP, DOWN = (("a",), ("b",), ("c",)), (("c",), ("b",), ("a",))
TIED = (("a", "b"), ("c",))


def test_who_met_whom_when_and_under_which_guideline() -> None:
    found = item(7, ("ann", UP, 1, 5.0), ("bob", TIED, 1, 9.0), ("cy", DOWN, 2, 7.0))
    assert list(meetings([found])) == [Met(7, 9.0, 1, 2, 0), Met(7, 7.0, None, 0, 3), Met(7, 9.0, None, 0, 2)]
    assert by_item([Met(7, 9.0, 1, 2, 0), Met(7, 7.0, None, 0, 3)]) == {7: [1, 1, 0, 0, 0]}


def test_no_guideline_is_one_too() -> None:
    [met] = meetings([item(7, ("ann", UP, None, 5.0), ("bob", UP, None, 6.0))])
    assert met.version == 0


def test_against_the_known_answer() -> None:
    found = [item(7, ("ann", UP, 1, 5.0), ("bob", TIED, 1, 9.0))]
    truths = {7: RankingLabel(labeler="gold", order=(("b",), ("a",), ("c",)))}
    assert against_gold(found, truths, "ann") == {7: [1, 1, 0]} and against_gold(found, truths, "bob") == {7: [1, 1]}
    assert sorted(against_gold(found, truths, None)[7]) == [0, 1, 1, 1, 1]


def test_rates_need_something_to_be_said() -> None:
    assert rate_of({}) is None and rate_of({1: []}) is None and mean_of({1: [0.5]}) is None
    assert taus([item(7, ("ann", UP, 1, 5.0), ("bob", DOWN, 1, 9.0))], None) == {7: [-1.0]}
    assert order_units([item(7, ("ann", UP, 1, 5.0), ("bob", TIED, 1, 9.0))]) == [[[1, 0], [1, 1], [1, 1]]]
