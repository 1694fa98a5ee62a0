"""Every failure as one JSON object, `{"error": {"message", "where", "remedy"}}`; never a trace, never the input."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.exceptions import HTTPException

from tunesmith.core.errors import ConfigError, DataError, TunesmithError
from tunesmith.store.problems import NoSuchThing, NotNow
from tunesmith.web.refusal import Refusal

_STATUS: Mapping[type[TunesmithError], int] = {NoSuchThing: 404, NotNow: 409, ConfigError: 422, DataError: 422}
_log = logging.getLogger("tunesmith.label")


def refuse(status: int, message: str, *, where: str = "", remedy: str = "", retry_after: int | None = None) -> Response:
    """Return the answer for a failure."""
    parts = {"message": message, "where": where, "remedy": remedy}
    body = {"error": {name: text for name, text in parts.items() if text}}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse(body, status_code=status, headers=headers)


def add_handlers(app: FastAPI) -> None:
    """Answer every exception in the one form."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(TunesmithError, _known_problem)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(IntegrityError, _busy)
    app.add_exception_handler(Exception, _defect)


def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    # A person who opened a page is led to the door; a program is told.
    if error.status == 401 and request.method == "GET":
        return RedirectResponse(f"/login?next={quote(request.url.path)}", status_code=303)
    return refuse(error.status, str(error), retry_after=error.retry_after)


def _known_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TunesmithError)
    status = next((code for cls, code in _STATUS.items() if isinstance(error, cls)), 500)
    return refuse(status, error.what, where=error.where, remedy=error.remedy)


def _bad_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return refuse(422, str(first["msg"]), where=".".join(str(part) for part in first["loc"][1:]))


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refuse(error.status_code, str(error.detail))


def _busy(_request: Request, error: Exception) -> Response:
    # Another process holds the database, or two requests raced; the client repeats the same request, with its key.
    _log.warning("database: %s", type(error).__name__)
    return refuse(503, "the database is busy; please try again", retry_after=1)


def _defect(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.scope.get("route"), exc_info=error)
    return refuse(500, "something went wrong on the server; nothing was stored")
