from __future__ import annotations

import pytest

from tunesmith.core.records import RankingLabel
from tunesmith.label.calibration_result import CalibrationResult, calibration_result, places
from tunesmith.store.problems import NotNow

from .scene import Scene, ranking
from .test_agreement import say
from .test_calibration import Opened, calibrate, finish, with_answer


def result_of(scene: Scene, task: object, opened: Opened, name: str) -> CalibrationResult:
    user = scene.user(name)
    with scene.database.read() as connection:
        return calibration_result(connection, task, opened.round, user)  # type: ignore[arg-type]


def test_nothing_is_shown_before_the_round_is_finished(scene: Scene) -> None:
    task = scene.task(ranking(0), overlap=1)
    opened = calibrate(scene, task, with_answer(10))
    ann = scene.caller("ann")
    path = f"/work/{task.id}/rounds/{opened.round.id}"
    assert ann.get(path).status_code == 409
    page = ann.next(task)
    assert "gold" not in str(page) and page["round"] == {
        "id": opened.round.id,
        "number": 1,
        "done": 0,
        "of": 1,
        "screening": False,
    }
    say(scene, ann, task, ("0", "1", "2"))
    assert ann.get(path).status_code == 409
    with pytest.raises(NotNow, match="answer the items"):
        result_of(scene, task, opened, "ann")
    finish(ann, task)
    assert ann.get(path).status_code == 200
    assert ann.next(task)["round"] is None and ann.next(task)["item"]["messages"][0]["content"] == "Question 0?"


def test_the_result_by_hand(scene: Scene) -> None:
    """The lead says 0 > 1 > 2, ann 1 > 0 > 2, bob 0 > 1 > 2, and cyd skips."""
    task = scene.task(ranking(0), overlap=1)
    opened = calibrate(scene, task, with_answer(10))
    ann, bob, cyd = scene.caller("ann"), scene.caller("bob"), scene.caller("cyd")
    for caller, order in ((ann, ("1", "0", "2")), (bob, ("0", "1", "2"))):
        say(scene, caller, task, order)
        finish(caller, task)
    item = cyd.next(task)["item"]["id"]
    assert cyd.post(f"/api/items/{item}/skip", {"key": "0" * 20, "reason": "x"}).status_code == 200
    finish(cyd, task)
    result = result_of(scene, task, opened, "ann")
    assert result.others == 2 and result.mine_with_gold is not None and result.others_with_gold is not None
    assert result.mine_with_gold.value == pytest.approx(2 / 3) and result.others_with_gold.value == 1.0
    assert result.mine_with_others is not None and result.mine_with_others.value == pytest.approx(2 / 3)
    [compared] = result.items
    places_of = [(one.text.split()[1], one.gold, one.mine, one.others) for one in compared.completions]
    assert places_of == [("0", 1, 2, 1.0), ("1", 2, 1, 2.0), ("2", 3, 3, 3.0)]
    letters = {one.text.split()[1]: one.letter for one in compared.completions}
    assert compared.against == [(letters["0"], letters["1"])]
    text = ann.get(f"/work/{task.id}/rounds/{opened.round.id}").text
    assert "bob" not in text and "2 others have finished" in text
    assert f"You put {letters['1']} above {letters['0']}" in text
    skipped = result_of(scene, task, opened, "cyd")
    assert skipped.mine_with_gold is None and skipped.items[0].skipped and skipped.items[0].against == ()


def test_tied_completions_share_their_place() -> None:
    label = RankingLabel(labeler="x", order=(("a", "b"), ("c",)))
    assert places(label) == {"a": 1, "b": 1, "c": 3}
