"""What the store refuses, as an HTTP status and a sentence for the page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError, OperationalError

from tunesmith.core.errors import DataError, TunesmithError
from tunesmith.store.problems import NoSuchThing, NotNow
from tunesmith.web.refusal import Refusal

_STATUS: Mapping[type[TunesmithError], int] = {NoSuchThing: 404, NotNow: 409, DataError: 422}


class PlainProblems(APIRoute):
    """A route whose problems become refusals, which the application words in its own form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler."""
        handler = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handler(request)
            except TunesmithError as error:
                status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), None)
                if status is None:
                    raise
                raise Refusal(status, error.what, param=error.where) from error
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"][1:])
                raise Refusal(422, str(first["msg"]), param=where) from error
            except (OperationalError, IntegrityError) as error:
                # Another process holds the database, or two requests raced; the page repeats the same request.
                raise Refusal(503, "the database is busy; please try again", retry_after=1) from error

        return handled
