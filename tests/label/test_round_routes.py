from __future__ import annotations

import dataclasses

from tunesmith.core.records import Message

from .scene import Scene, ranking
from .test_agreement import say
from .test_calibration import calibrate, finish, with_answer


def test_the_lead_sees_who_finished_and_labelers_do_not(scene: Scene) -> None:
    task = scene.task(ranking(0), overlap=1)
    opened = calibrate(scene, task, with_answer(10))
    ann = scene.caller("ann")
    scene.user("bob")
    say(scene, ann, task, ("0", "1", "2"))
    finish(ann, task)
    path = f"/tasks/{task.id}/rounds/{opened.round.id}"
    text = scene.caller("lea", "lead").get(path).text
    assert "100 %" in text and "not begun" in text and "finished 2027-01-15" in text
    assert ann.get(path).status_code == 403
    assert f'href="{path}"' in scene.caller("vic", "viewer").get(f"/tasks/{task.id}").text
    assert f"/work/{task.id}/rounds/{opened.round.id}" in ann.get("/").text


def test_texts_of_a_round_stay_text(scene: Scene) -> None:
    evil = "<img src=x onerror=alert(1)>"
    task = scene.task(overlap=1)
    record = with_answer(10)
    completions = tuple(dataclasses.replace(one, text=f"{evil} {n} x") for n, one in enumerate(record.completions))
    opened = calibrate(
        scene, task, dataclasses.replace(record, messages=(Message("user", evil),), completions=completions)
    )
    ann = scene.caller(evil)
    item = ann.next(task)["item"]
    order = [[one["letter"]] for one in item["completions"]]
    ratings = {group[0]: 7 - n for n, group in enumerate(order)}
    assert ann.label(item["id"], {"order": order, "ratings": ratings}).status_code == 200
    finish(ann, task)
    for caller, path in ((ann, "work"), (scene.caller("lea", "lead"), "tasks")):
        text = caller.get(f"/{path}/{task.id}/rounds/{opened.round.id}").text
        assert "&lt;img" in text and "<img" not in text


def test_a_round_of_another_task_is_not_found(scene: Scene) -> None:
    one, other = scene.task(ranking(0), name="one"), scene.task(ranking(1), name="other")
    opened = calibrate(scene, one, with_answer(10))
    lead = scene.caller("lea", "lead")
    assert lead.get(f"/tasks/{other.id}/rounds/{opened.round.id}").status_code == 404
    assert lead.get(f"/tasks/{one.id}/rounds/77").status_code == 404
    early = scene.caller("ann").post(f"/api/rounds/{opened.round.id}/finish")
    assert early.status_code == 409 and "0 of 1" in early.json()["error"]["message"]


def test_the_list_of_tasks_counts_the_round_until_it_is_finished(scene: Scene) -> None:
    task = scene.task(overlap=1)
    calibrate(scene, task, with_answer(10))
    ann = scene.caller("ann")
    assert "Start · 1" in ann.get("/").text
    say(scene, ann, task, ("0", "1", "2"))
    assert "Continue · 1" in ann.get("/").text, "it waits to be finished"
    finish(ann, task)
    assert "Nothing waits for you" in ann.get("/").text
