from __future__ import annotations

from .scene import Scene, ranking
from .test_screening import answer_all, candidate, line_of, screening


def test_the_lead_grades_approves_and_only_then_learns_the_name(scene: Scene) -> None:
    ordinary, task = scene.task(ranking(0), name="ordinary"), screening(scene)
    caller, lead = candidate(scene, task, "<b>cand"), scene.caller("lea", "lead")
    assert caller.next(ordinary) == {
        "error": {"message": "your answers are still being looked at", "where": "annotation task 1"}
    }
    assert "ordinary" not in caller.get("/").text and "Start · 9" in caller.get("/").text
    answer_all(scene, caller, task, flags=[True, True, False, False])
    path = f"/tasks/{task.id}/screening"
    text = lead.get(path).text
    line = line_of(scene, task)
    assert line.alias in text and "cand</" not in text and "not graded" in text
    for one in line.demonstrations:
        assert lead.post(f"/api/labels/{one.event_id}/grade", {"grade": 7}).status_code == 200
        assert lead.post(f"/api/labels/{one.event_id}/grade", {"grade": 8}).status_code == 422
    assert "<strong>passes</strong>" in lead.get(path).text
    decision = f"/api/tasks/{task.id}/candidates/{line.user.id}"
    assert caller.post(decision, {"approved": True}).status_code == 403
    assert lead.post(decision, {"approved": True, "note": "Careful <i>work</i>."}).status_code == 200
    text = lead.get(path).text
    assert "&lt;b&gt;cand" in text and "Careful &lt;i&gt;work" in text and "Age: 1" in text
    assert caller.next(ordinary)["item"] is not None
    assert "candidate approved" in scene.caller("ada", "admin").get("/audit").text


def test_nothing_is_decided_by_itself(scene: Scene) -> None:
    """Whoever reaches every cut-off still waits for the lead."""
    ordinary, task = scene.task(ranking(0), name="ordinary"), screening(scene)
    caller = candidate(scene, task, "cand")
    answer_all(scene, caller, task, flags=[True, True, False, False])
    assert caller.next(ordinary)["error"] and caller.next(task)["item"] is None


def test_other_tasks_are_no_screenings(scene: Scene) -> None:
    ordinary, lead = scene.task(ranking(0)), scene.caller("lea", "lead")
    assert lead.get(f"/tasks/{ordinary.id}/screening").status_code == 404
    wrong = lead.post("/api/invites", {"role": "labeler", "screening": ordinary.id})
    assert wrong.status_code == 422 and "only by a screening" in wrong.json()["error"]["message"]


def test_an_invite_makes_a_candidate(scene: Scene) -> None:
    task, lead = screening(scene), scene.caller("lea", "lead")
    assert "candidate of clerks" in lead.get("/people").text
    path = lead.post("/api/invites", {"role": "labeler", "screening": task.id}).json()["path"]
    body = {"token": path.removeprefix("/join/"), "name": "cand", "password": "a long password"}
    assert scene.stranger().post("/api/join", body).status_code == 200
    assert scene.user("cand").candidate_of == task.id
    assert lead.post("/api/invites", {"role": "viewer", "screening": task.id}).status_code == 422
