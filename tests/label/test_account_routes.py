from __future__ import annotations

from tunesmith.label.lead_routes import new_invite
from tunesmith.store.annotation import sign_in, users

from .scene import Scene

PASSWORD = "a long password"


def invited(scene: Scene, role: users.Role = "labeler") -> str:
    return new_invite(scene.desk, role, ["german"], user_id=None)


def join(scene: Scene, name: str = "ann") -> None:
    body = {"token": invited(scene), "name": name, "password": PASSWORD}
    assert scene.stranger().post("/api/join", body).status_code == 200


def test_an_invite_makes_one_user_with_its_role_and_a_session(scene: Scene) -> None:
    token, caller = invited(scene, "lead"), scene.stranger()
    assert "lead" in caller.get(f"/join/{token}").text
    answer = caller.post("/api/join", {"token": token, "name": "ann", "password": PASSWORD})
    assert answer.status_code == 200 and caller.get("/").status_code == 200
    assert (scene.user("ann").role, scene.user("ann").skills) == ("lead", ("german",))
    again = scene.stranger().post("/api/join", {"token": token, "name": "bob", "password": PASSWORD})
    assert again.status_code == 404 and scene.stranger().get(f"/join/{token}").status_code == 404


def test_a_short_password_and_a_taken_name_leave_the_invite_unused(scene: Scene) -> None:
    join(scene)
    token = invited(scene)
    for name, password, status in (("bob", "short", 422), ("ann", PASSWORD, 409), ("bob", PASSWORD, 200)):
        body = {"token": token, "name": name, "password": password}
        assert scene.stranger().post("/api/join", body).status_code == status


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(scene: Scene) -> None:
    join(scene)
    cookie = scene.stranger().post("/api/login", {"name": "ann", "password": PASSWORD}).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" not in cookie


def test_behind_https_the_cookie_is_bound_to_the_host(scene: Scene) -> None:
    join(scene)
    behind = Scene(scene.database, secure=True)
    with behind.clients:
        cookie = behind.stranger().post("/api/login", {"name": "ann", "password": PASSWORD}).headers["set-cookie"]
    assert cookie.startswith("__Host-tunesmith=") and "Secure" in cookie and "Path=/" in cookie


def test_logout_ends_the_session(scene: Scene) -> None:
    caller = scene.caller("ann")
    token = caller.client.cookies[scene.desk.cookie]
    assert caller.post("/api/logout").status_code == 200
    with scene.database.read() as connection:
        assert sign_in.session_user(connection, token, now=scene.now) is None


def test_a_new_password_ends_the_other_sessions(scene: Scene) -> None:
    join(scene)
    one, two = scene.stranger(), scene.stranger()
    for caller in (one, two):
        assert caller.post("/api/login", {"name": "ann", "password": PASSWORD}).status_code == 200
    assert one.post("/api/password", {"old": "wrong", "new": "another password"}).status_code == 403
    assert one.post("/api/password", {"old": PASSWORD, "new": "another password"}).status_code == 200
    assert one.get("/").status_code == 200 and two.get("/").status_code == 303
