"""Every failure in the form that OpenAI's clients read: `{"error": {"message", "type", "param", "code"}}`.

Never a trace, never the input.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from tunesmith.core.errors import TunesmithError
from tunesmith.web.refusal import Refusal

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_log = logging.getLogger("tunesmith.serve")


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as the JSON that clients expect."""
    kind = _TYPES.get(refusal.status, "server_error" if refusal.status >= 500 else "invalid_request_error")
    error = {"message": str(refusal), "type": kind, "param": refusal.param or None, "code": refusal.code or None}
    return {"error": error}


def refuse(refusal: Refusal) -> Response:
    """Return the response for a refusal."""
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error_body(refusal), status_code=refusal.status, headers=headers)


def as_refusal(error: Exception) -> Refusal:
    """Return any exception as a refusal; an unexpected one is logged and becomes a 500 that tells nothing."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException):
        return Refusal(error.status_code, str(error.detail))
    if isinstance(error, TunesmithError) and error.exit_code in (2, 3):
        return Refusal(400, str(error))
    _log.error("a request failed", exc_info=error)
    return Refusal(500, "something went wrong on the server", code="internal_error")


def add_handlers(app: FastAPI) -> None:
    """Answer every exception in the one form."""
    for kind in (Refusal, TunesmithError, HTTPException, Exception):
        app.add_exception_handler(kind, _handle)


def _handle(_request: Request, error: Exception) -> Response:
    return refuse(as_refusal(error))
