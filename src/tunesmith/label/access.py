"""Who may call what. A route that is not in this table cannot be made: the desk does not start.

Roles: an admin also sees the audit log and manages leads; a lead makes and reviews; a labeler works; a viewer watches.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from tunesmith.label.desk import desk_of
from tunesmith.store.annotation.sign_in import session_user
from tunesmith.store.annotation.users import ROLES, User
from tunesmith.web.refusal import Refusal

NOBODY = "nobody"  # stands for whoever is not signed in
ANYBODY = frozenset({NOBODY, *ROLES})
SIGNED_IN = frozenset(ROLES)
WORKING = frozenset({"admin", "lead", "labeler"})
WATCHING = frozenset({"admin", "lead", "viewer"})
LEADING = frozenset({"admin", "lead"})
ADMIN = frozenset({"admin"})

ACCESS: Mapping[str, frozenset[str]] = {
    "GET /healthz": ANYBODY,
    "GET /static/{name}": ANYBODY,
    "GET /login": ANYBODY,
    "GET /join/{token}": ANYBODY,
    "POST /api/login": ANYBODY,
    "POST /api/join": ANYBODY,
    "POST /api/logout": SIGNED_IN,
    "POST /api/password": SIGNED_IN,
    "GET /": SIGNED_IN,
    "GET /account": SIGNED_IN,
    "GET /work/{task_id}": WORKING,
    "POST /api/tasks/{task_id}/next": WORKING,
    "POST /api/items/{item_id}/renew": WORKING,
    "POST /api/items/{item_id}/label": WORKING,
    "POST /api/items/{item_id}/skip": WORKING,
    "POST /api/labels/{event_id}/undo": WORKING,
    "POST /api/guidelines/{guideline_id}/read": WORKING,
    "POST /api/rounds/{round_id}/finish": WORKING,
    "GET /work/{task_id}/rounds/{round_id}": WORKING,
    "GET /tasks/{task_id}/rounds/{round_id}": WATCHING,
    "GET /tasks/{task_id}": WATCHING,
    "GET /tasks/{task_id}/review": LEADING,
    "GET /tasks/{task_id}/review/{item_id}": LEADING,
    "POST /api/items/{item_id}/review": LEADING,
    "GET /tasks/{task_id}/screening": LEADING,
    "POST /api/labels/{event_id}/grade": LEADING,
    "POST /api/tasks/{task_id}/candidates/{user_id}": LEADING,
    "POST /api/items/{item_id}/decision": LEADING,
    "POST /api/tasks/{task_id}/settings": LEADING,
    "POST /api/tasks/{task_id}/guideline": LEADING,
    "GET /people": LEADING,
    "POST /api/invites": LEADING,
    "POST /api/users/{user_id}/disabled": LEADING,
    "GET /audit": ADMIN,
}


class GuardedRoute(APIRoute):
    """A route that asks who is calling before it reads the body or its parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler behind its door.

        Raises:
            KeyError: the table has no line for this route.
        """
        handler = super().get_route_handler()
        method = min(self.methods or ("none",))
        allowed = ACCESS[f"{method} {self.path}"]

        async def guarded(request: Request) -> Response:
            user = await run_in_threadpool(_who, request)
            if (user.role if user else NOBODY) not in allowed:
                raise Refusal(403, "your role may not do this") if user else Refusal(401, "please sign in")
            request.state.user = user
            return await handler(request)

        return guarded


def _who(request: Request) -> User | None:
    desk = desk_of(request)
    token = request.cookies.get(desk.cookie)
    if token is None:
        return None
    with desk.database.read() as connection:
        return session_user(connection, token, now=desk.clock())
