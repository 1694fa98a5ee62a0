"""Templates become pages; what is put into one is escaped."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tunesmith.label.access import ACCESS
from tunesmith.store.annotation.users import User

HERE = Path(__file__).parent


def page(template: str, user: User | None, *, status: int = 200, **values: Any) -> Response:
    """Return a page as this person may see it."""
    role = user.role if user else "nobody"
    allowed = {route.partition(" ")[2] for route, roles in ACCESS.items() if role in roles}
    html = _environment().get_template(template).render(user=user, may=allowed, **values)
    return HTMLResponse(html, status_code=status)


@functools.cache
def _environment() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["moment"] = _moment
    return environment


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
