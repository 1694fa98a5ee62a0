from __future__ import annotations

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.label.screening import TOPICS, CandidateLine, open_screening, screening_report
from tunesmith.store.annotation import candidates, tasks, users
from tunesmith.store.annotation.labels import labels_of
from tunesmith.store.problems import NotNow

from .scene import Caller, Scene, prompt, ranking
from .test_calibration import finish, with_answer


def text(n: int, sensitive: object) -> Demonstration:
    messages = (Message("user", f"Tell me {n}."), Message("assistant", f"Text {n}."))
    return Demonstration(messages=messages, meta={"sensitive": sensitive})


def wanted() -> list[Record]:
    return [*(text(n, n < 2) for n in range(4)), with_answer(10), with_answer(11), prompt(20), prompt(21)]


def screening(scene: Scene, *records: Record) -> tasks.AnnotationTask:
    with scene.database.write() as connection:
        task = tasks.add_annotation_task(connection, "clerks", kind="screening", overlap=1, now=scene.now)
        open_screening(connection, task, records or wanted(), now=scene.now)
    return task


def candidate(scene: Scene, task: tasks.AnnotationTask, name: str) -> Caller:
    with scene.database.write() as connection:
        users.add_user(connection, name, role="labeler", candidate_of=task.id, password_hash="x", now=scene.now)
    return scene.caller(name)


def answer_all(scene: Scene, caller: Caller, task: tasks.AnnotationTask, *, flags: list[bool]) -> None:
    """Rank as the lead does, flag as told, and feel able to tell for the first two topics."""
    flagged = iter(flags)
    while (item := (page := caller.next(task))["item"]) is not None:
        said: dict[str, object]
        if item["kind"] == "flag":
            said = {"sensitive": next(flagged)}
        elif item["kind"] == "rank":
            said = scene.rank_answer(page, ("0", "1", "2"))
        elif item["kind"] == "write":
            said = {"text": "Dear customer."}
        else:
            said = {"topics": item["topics"][:2]}
        assert caller.label(item["id"], said).status_code == 200
    finish(caller, task)


def line_of(scene: Scene, task: tasks.AnnotationTask) -> CandidateLine:
    with scene.database.read() as connection:
        [line] = screening_report(connection, task).candidates
    return line


def grade(scene: Scene, line: CandidateLine, *values: int) -> None:
    lead = scene.user("lea", "lead")
    with scene.database.write() as connection:
        for one, value in zip(line.demonstrations, values, strict=True):
            candidates.grade(connection, one.event_id, lead, value, now=scene.now)


def test_the_four_scores_by_hand(scene: Scene) -> None:
    """Three of four texts as the lead flags them (Wilson: 0.30 to 0.95), all rankings, grades 7 and 6."""
    task = screening(scene)
    answer_all(scene, candidate(scene, task, "cand"), task, flags=[True, False, False, False])
    line = line_of(scene, task)
    assert line.finished and (line.done, line.of) == (9, 9) and line.passes is None, "not graded yet"
    assert line.flagging is not None and (line.flagging.value, line.flagging.n) == (0.75, 4)
    assert line.flagging.low == pytest.approx(0.3006, abs=1e-3) and line.flagging.high == pytest.approx(
        0.9544, abs=1e-3
    )
    assert line.ranking is not None and (line.ranking.value, line.ranking.n) == (1.0, 2)
    assert line.writing is None and line.state["writing"] == "open"
    assert list(line.topics) == list(TOPICS[:2])
    grade(scene, line, 7, 6)
    line = line_of(scene, task)
    # Student's interval of two values has one degree of freedom: 6.5 +- 12.7 * 0.5, cut to the scale.
    assert line.writing is not None and (line.writing.value, line.writing.low, line.writing.high) == (6.5, 1.0, 7.0)
    assert line.passes is True


@pytest.mark.parametrize(
    ("flags", "grades"), [([True, False, True, False], (7, 7)), ([True, True, False, False], (5, 6))]
)
def test_below_a_cut_off(scene: Scene, flags: list[bool], grades: tuple[int, int]) -> None:
    task = screening(scene)
    answer_all(scene, candidate(scene, task, "cand"), task, flags=flags)
    grade(scene, line_of(scene, task), *grades)
    assert line_of(scene, task).passes is False


def test_the_answers_are_hidden_from_candidates(scene: Scene) -> None:
    task = screening(scene)
    caller = candidate(scene, task, "cand")
    page = caller.next(task)
    assert set(page["item"]) == {"id", "kind", "messages", "completions", "draft", "topics", "expires_at"}
    assert "sensitive" not in str(page["item"])
    answer_all(scene, caller, task, flags=[True, True, False, False])
    assert caller.get(f"/work/{task.id}/rounds/1").status_code == 404
    with scene.database.read() as connection:
        assert all("meta" not in event.payload for n in range(1, 10) for event in labels_of(connection, n))


def test_wrong_answers_are_refused(scene: Scene) -> None:
    task = screening(scene)
    caller = candidate(scene, task, "cand")
    item = caller.next(task)["item"]["id"]
    for wrong in ({"sensitive": "yes"}, {"choice": "A"}, {}):
        assert caller.label(item, wrong).status_code == 422


def test_a_screening_has_all_tests_once(scene: Scene) -> None:
    with pytest.raises(DataError, match="needs items for ranking, writing"):
        screening(scene, text(1, True))
    task = screening(scene, *wanted(), ranking(5), text(9, "yes"))
    with pytest.raises(NotNow, match="its tests already"), scene.database.write() as connection:
        open_screening(connection, task, wanted(), now=scene.now)
