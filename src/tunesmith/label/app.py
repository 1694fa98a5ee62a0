"""The web application: routes, pages and static files behind one guard."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp

from tunesmith.label import account_routes, lead_routes, page_routes, round_routes, screening_routes, work_routes
from tunesmith.label.desk import Desk
from tunesmith.label.refusals import add_handlers, refuse
from tunesmith.web.guard import Guard, Rules

ROUTERS = tuple(
    part.router for part in (account_routes, work_routes, lead_routes, round_routes, screening_routes, page_routes)
)


def build_api(desk: Desk) -> FastAPI:
    """Return the routes without the guard; tests look at them."""
    app = FastAPI(title="tunesmith label", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    for router in ROUTERS:
        app.include_router(router)
    add_handlers(app)
    return app


def build_app(desk: Desk) -> ASGIApp:
    """Return the application that a server runs."""
    return Guard(build_api(desk), Rules(hosts=desk.hosts), lambda refusal: refuse(refusal.status, str(refusal)))
