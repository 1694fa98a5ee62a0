"""The web application: an OpenAI-compatible API behind one guard, and whatever other routers are added to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from tunesmith.context.library import Library
from tunesmith.core.errors import ConfigError
from tunesmith.core.opaque_token import hash_token
from tunesmith.serve import chat_routes, completion_routes, state_routes
from tunesmith.serve.access import OPEN_PATHS, KeyCheck
from tunesmith.serve.metrics import Metrics
from tunesmith.serve.openai_errors import add_handlers, refuse
from tunesmith.serve.reply_record import OnReply
from tunesmith.serve.served_model import ServedModel
from tunesmith.serve.service import Service
from tunesmith.serve.settings import ServeSettings
from tunesmith.web.guard import Guard, Rules

ROUTERS = tuple(part.router for part in (chat_routes, completion_routes, state_routes))


class Application:
    """The ASGI application that a server runs. `service` is its state, `api` the routes without guard and keys."""

    def __init__(self, service: Service, api: FastAPI, open_paths: Collection[str]) -> None:
        settings = service.settings
        self.service = service
        self.api = api
        keyed = KeyCheck(api, self._key_name, open_paths, refuse)
        rules = Rules(hosts=settings.hosts, own_pages_only=False, body_limit=settings.limits.body_bytes)
        self._guarded: ASGIApp = Guard(keyed, rules, refuse)

    def _key_name(self, key: str) -> str | None:
        keys = self.service.settings.keys
        return keys.get(hash_token(key)) if keys else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._guarded(scope, receive, send)


def create_app(
    settings: ServeSettings,
    models: Sequence[ServedModel],
    *,
    routers: Sequence[APIRouter] = (),
    open_paths: Collection[str] = (),
    on_reply: OnReply | None = None,
    library: Library | None = None,
) -> Application:
    """Return the application that serves these models.

    `routers` are added to the API's own; their routes find the `Service` with `service_of(request)`. `open_paths` need
    no key: a path, or with a slash at its end everything below it (pages, which then send the key themselves).
    `on_reply` is told of every finished reply. `library` is what a request's context may draw on.

    Raises:
        ConfigError: two models have the same name, or there is none.
    """
    by_name = {model.name: model for model in models}
    if not models or len(by_name) != len(models):
        names = ", ".join(model.name for model in models)
        raise ConfigError("needs models with different names", where=f"serve {names}", remedy="write NAME=MODEL")
    metrics = Metrics()
    for model in models:
        metrics.watch_queue(model.name, lambda model=model: model.waiting)  # type: ignore[misc]
    service = Service(settings=settings, models=by_name, metrics=metrics, on_reply=on_reply, library=library)
    metrics.open_replies.set_function(service.open_replies.total)
    api = FastAPI(title="tunesmith serve", docs_url=None, redoc_url=None, openapi_url=None)
    api.state.service = service
    for router in (*ROUTERS, *routers):
        api.include_router(router)
    add_handlers(api)
    return Application(service, api, (*OPEN_PATHS, *open_paths))
