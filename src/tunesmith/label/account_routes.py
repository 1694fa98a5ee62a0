"""Signing in and out, joining by invite, changing the password."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from tunesmith.label.access import GuardedRoute
from tunesmith.label.desk import Desk, desk_of, user_of
from tunesmith.label.passwords import SESSION_SECONDS, change_password, join, log_in
from tunesmith.store.annotation.sign_in import end_session
from tunesmith.web.body import Body

router = APIRouter(route_class=GuardedRoute)


class LogIn(Body):
    """Who says so, and the proof."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=200)


class Join(LogIn):
    """A new user."""

    token: str = Field(max_length=200)


class NewPassword(Body):
    """The old password and the new one."""

    old: str = Field(max_length=200)
    new: str = Field(max_length=200)


@router.post("/api/login")
def post_login(request: Request, body: LogIn) -> Response:
    """Begin a session."""
    desk = desk_of(request)
    address = request.client.host if request.client else ""
    return _with_cookie(desk, log_in(desk, body.name, body.password, address))


@router.post("/api/join")
def post_join(request: Request, body: Join) -> Response:
    """Become a user by an invite."""
    desk = desk_of(request)
    return _with_cookie(desk, join(desk, body.token, body.name, body.password))


@router.post("/api/logout")
def post_logout(request: Request) -> Response:
    """End the session."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        end_session(connection, request.cookies[desk.cookie])
    response = JSONResponse({"ok": True})
    response.delete_cookie(desk.cookie, path="/", secure=desk.secure, httponly=True, samesite="strict")
    return response


@router.post("/api/password")
def post_password(request: Request, body: NewPassword) -> Response:
    """Change the password; every other session of the user ends."""
    desk = desk_of(request)
    return _with_cookie(desk, change_password(desk, user_of(request), body.old, body.new))


def _with_cookie(desk: Desk, token: str) -> Response:
    response = JSONResponse({"ok": True})
    response.set_cookie(
        desk.cookie, token, max_age=SESSION_SECONDS, path="/", secure=desk.secure, httponly=True, samesite="strict"
    )
    return response
