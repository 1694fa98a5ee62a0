"""What every route shares: the models, the limits, the metrics, and what is done with a finished reply."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request

from tunesmith.context.library import Library
from tunesmith.serve.metrics import Metrics
from tunesmith.serve.reply_record import OnReply, ReplyRecord
from tunesmith.serve.served_model import ServedModel
from tunesmith.serve.settings import ServeSettings
from tunesmith.web.refusal import Refusal

_log = logging.getLogger("tunesmith.serve")


@dataclass(slots=True, kw_only=True)
class Service:
    """One per application, at `app.state.service`. `draining`: a signal came, new requests are refused.

    `library`: the pages that a request's context may name; None where the server has no workspace.
    """

    settings: ServeSettings
    models: Mapping[str, ServedModel]
    metrics: Metrics
    on_reply: OnReply | None = None
    library: Library | None = None
    draining: bool = False
    open_replies: Counter[str] = field(default_factory=Counter)

    def model(self, name: str) -> ServedModel:
        """Return a model by its name.

        Raises:
            Refusal: there is none.
        """
        found = self.models.get(name)
        if found is None:
            known = ", ".join(self.models)
            raise Refusal(
                404, f"there is no model {name[:100]!r}; served are: {known}", code="model_not_found", param="model"
            )
        return found

    def record(self, record: ReplyRecord) -> None:
        """Hand a finished reply on. A failure must not take the reply from the client: it is logged and counted."""
        if self.on_reply is None:
            return
        try:
            self.on_reply(record)
        except Exception:
            self.metrics.record_failures.inc()
            _log.exception("the reply %s could not be recorded", record.id)

    @contextmanager
    def admitted(self, key: str) -> Iterator[None]:
        """Count a reply as open while the block runs.

        Raises:
            Refusal: the server stops, or too many replies are open, in all or for this key.
        """
        limits = self.settings.limits
        if self.draining:
            raise Refusal(503, "the server is stopping", retry_after=10, code="server_stopping")
        if self.open_replies.total() >= limits.open_replies:
            raise Refusal(503, "too many requests are open; please try again", retry_after=2, code="server_busy")
        if key and self.open_replies[key] >= limits.per_key:
            text = f"this key has {limits.per_key} requests open already"
            raise Refusal(429, text, retry_after=1, code="rate_limit_exceeded")
        self.open_replies[key] += 1
        try:
            yield
        finally:
            self.open_replies[key] -= 1


def service_of(request: Request) -> Service:
    """Return the service that this request came to."""
    service: Service = request.app.state.service
    return service


def key_of(request: Request) -> str:
    """Return the name of the API key that this request carries; empty where none is asked for."""
    name: str = request.scope.get("tunesmith.key", "")
    return name
