"""The server's numbers, in Prometheus' text form."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_PER_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Metrics:
    """Counters of one application. Labels take known values only, so that no client can make series."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Counter(
            "tunesmith_requests",
            "Requests by route and status; 499: the client left.",
            ["route", "status"],
            registry=own,
        )
        self.tokens = Counter("tunesmith_tokens", "Tokens by model and kind.", ["model", "kind"], registry=own)
        self.first_token = Histogram(
            "tunesmith_first_token_seconds", "From request to first token.", ["model"], buckets=_SECONDS, registry=own
        )
        self.per_token = Histogram(
            "tunesmith_per_token_seconds",
            "Mean time between the tokens of a reply.",
            ["model"],
            buckets=_PER_TOKEN,
            registry=own,
        )
        self.open_replies = Gauge("tunesmith_open_replies", "Replies under way.", registry=own)
        self.queue = Gauge("tunesmith_queue_depth", "Asks that wait for a model.", ["model"], registry=own)
        self.record_failures = Counter(
            "tunesmith_record_failures", "Finished replies that could not be recorded.", registry=own
        )

    def watch_queue(self, model: str, depth: Callable[[], int]) -> None:
        """Read a model's queue depth whenever the numbers are asked for."""
        self.queue.labels(model).set_function(depth)

    def page(self) -> bytes:
        """Return the text that a Prometheus server reads."""
        return generate_latest(self.registry)
