from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from tunesmith.label.access import ACCESS, ANYBODY, NOBODY, GuardedRoute
from tunesmith.label.app import ROUTERS, build_api
from tunesmith.store.annotation import sign_in, users

from .scene import Caller, Scene, ranking


def routes() -> Iterator[APIRoute]:
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            yield route


def test_every_route_has_a_policy_and_every_policy_a_route(scene: Scene) -> None:
    names = [f"{method} {route.path}" for route in routes() for method in route.methods or ()]
    assert sorted(names) == sorted(ACCESS)
    assert all(isinstance(route, GuardedRoute) for route in routes())
    # Nothing reaches the application beside the routers that were looked at.
    included = [getattr(one, "original_router", None) for one in build_api(scene.desk).routes]
    assert included == list(ROUTERS)


def test_a_route_without_a_policy_cannot_be_made() -> None:
    with pytest.raises(KeyError, match="/api/secrets"):
        GuardedRoute("/api/secrets", lambda: None, methods=["GET"])


@pytest.mark.parametrize("role", [NOBODY, *users.ROLES])
def test_who_may_call_what(scene: Scene, role: str) -> None:
    """Whoever is not in the policy is stopped at the door, before parameters or body are read; others are not."""
    scene.task(ranking())
    caller = scene.stranger() if role == NOBODY else scene.caller("ann", role)  # type: ignore[arg-type]
    wrong = {}
    for route, allowed in ACCESS.items():
        if route == "POST /api/logout" and role in allowed:
            continue  # it would end the session; test_account_routes calls it
        status = call(caller, route)
        refused = status in ({401, 303} if role == NOBODY else {403})
        if status == 500 or refused == (role in allowed):
            wrong[route] = status
    assert wrong == {}


@pytest.mark.parametrize("state", ["expired", "ended", "locked out", "forged"])
def test_a_session_that_no_longer_counts(scene: Scene, state: str) -> None:
    caller, user = scene.caller("ann", "admin"), scene.user("ann")
    with scene.database.write() as connection:
        if state == "ended":
            sign_in.end_sessions(connection, user.id)
        elif state == "locked out":
            users.set_disabled(connection, user.id, True)
    if state == "expired":
        scene.now += 1e7
    if state == "forged":
        caller.client.cookies.set(scene.desk.cookie, "x" * 43)
    closed = [route for route, allowed in ACCESS.items() if allowed != ANYBODY]
    assert {route: status for route in closed if (status := call(caller, route)) not in {401, 303}} == {}


def call(caller: Caller, route: str) -> int:
    method, _, path = route.partition(" ")
    path = re.sub(r"{\w+}", "1", path)
    answer = caller.get(path) if method == "GET" else caller.post(path, {"nonsense": True})
    status: int = answer.status_code
    return status


def test_a_lead_does_not_manage_leads(scene: Scene) -> None:
    lead, admin = scene.caller("lea", "lead"), scene.caller("ada", "admin")
    ada = scene.user("ada")
    assert lead.post("/api/invites", {"role": "admin"}).status_code == 403
    assert lead.post("/api/invites", {"role": "labeler"}).status_code == 200
    assert lead.post(f"/api/users/{ada.id}/disabled", {"disabled": True}).status_code == 403
    assert admin.post(f"/api/users/{ada.id}/disabled", {"disabled": True}).status_code == 409
    assert admin.post("/api/invites", {"role": "lead"}).status_code == 200
