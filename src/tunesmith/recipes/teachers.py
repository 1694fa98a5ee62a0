"""A teacher from configuration: an OpenAI-compatible address, or a model folder through the project's own generator."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.make.distill.address import check_address
from tunesmith.make.distill.ask import Asking, Budget
from tunesmith.make.distill.endpoint import Endpoint, Patience
from tunesmith.make.teacher import Decoding, Teacher


class TeacherConfig(Strict):
    """The teacher, how it decodes, and what it may cost."""

    address: str = Field("", description="http(s)://HOST/v1 of an OpenAI-compatible endpoint, or a model folder")
    model: str = Field("", description="the endpoint's name of the model; required for an address")
    key_variable: str = Field(
        "TUNESMITH_TEACHER_KEY", description="the environment variable that holds the key, if any"
    )
    allow_local: bool = Field(False, description="let the address be a private one")
    temperature: float = Field(0.7, ge=0, description="0 = greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="1 = off")
    max_tokens: int = Field(512, ge=1, description="longest answer")
    concurrency: int = Field(8, ge=1, le=256, description="questions under way at once; a local model's batch")
    max_requests: int | None = Field(None, ge=1, description="budget: requests, with those of earlier tries")
    max_total_tokens: int | None = Field(None, ge=1, description="budget: tokens as the teacher counts them")
    timeout_s: float = Field(60.0, gt=0, description="seconds until a request counts as lost")
    attempts: int = Field(6, ge=1, description="how often one request is tried")


def asking(config: TeacherConfig, context: RunContext, seed: int) -> Asking:
    """Return how the teacher is to be asked."""
    decoding = Decoding(temperature=config.temperature, top_p=config.top_p, max_tokens=config.max_tokens, seed=seed)
    return Asking(
        decoding=decoding,
        budget=Budget(requests=config.max_requests, tokens=config.max_total_tokens),
        concurrency=config.concurrency,
        now=lambda: datetime.now(UTC).isoformat(timespec="seconds"),
        progress=_progress(context.log),
    )


@contextmanager
def open_teacher(config: TeacherConfig, context: RunContext) -> Iterator[Teacher]:
    """Open the teacher; a model folder needs a chat template.

    Raises:
        ConfigError: no address, a forbidden one, or no model's name.
    """
    if not config.address:
        raise ConfigError("no teacher", where="teacher.address", remedy="give --teacher URL or --teacher DIR")
    if "://" not in config.address:
        # torch takes seconds to import; an endpoint does not need it.
        yield importlib.import_module("tunesmith.recipes.local_teacher").LocalTeacher(config.address)
        return
    if not config.model:
        raise ConfigError("no model's name", where="teacher.model", remedy="give --set teacher.model=NAME")
    address = check_address(config.address, allow_local=config.allow_local)
    key = context.environment.get(config.key_variable, "")
    context.log(f"teacher: {config.model} at {address.url}, {'with' if key else 'without'} a key")
    patience = Patience(timeout_s=config.timeout_s, attempts=config.attempts)
    endpoint = Endpoint(address, config.model, key=key, patience=patience)
    try:
        yield endpoint
    finally:
        endpoint.close()


def _progress(log: Callable[[str], None]) -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        # About twenty lines, however many answers.
        if total > 1 and (done == total or done % max(1, total // 20) == 0):
            log(f"{done:,} of {total:,} answers")

    return show
