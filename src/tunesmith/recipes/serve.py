"""Serve models over HTTP: folders through the project's engine, or the models of another server."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.make.distill.address import check_address
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.serve_parts import Named, named, open_experiments, open_library
from tunesmith.recipes.stage import open_model
from tunesmith.serve.access import keys_of
from tunesmith.serve.app import create_app
from tunesmith.serve.chat.mount import chat_page
from tunesmith.serve.engine import BatchLimits
from tunesmith.serve.local_model import LocalModel
from tunesmith.serve.served_model import ServedModel
from tunesmith.serve.serving import allowed_hosts, serve
from tunesmith.serve.settings import Limits, ServeSettings
from tunesmith.serve.upstream_model import Upstream, UpstreamModel, listed_models
from tunesmith.store.database import open_database
from tunesmith.web.hosts import address_of


class Config(Strict):
    """Serve."""

    models: tuple[str, ...] = Field((), description="runs, model folders, hub ids or desk; NAME=MODEL names one")
    upstream: str = Field("", description="http(s)://HOST/v1 of an OpenAI-compatible server; models are its models")
    upstream_key_variable: str = Field(
        "TUNESMITH_UPSTREAM_KEY", description="the environment variable that holds the upstream's key, if any"
    )
    allow_local: bool = Field(False, description="let the upstream's address be a private one")
    timeout_s: float = Field(120.0, gt=0, description="seconds an upstream may be silent")
    host: str = Field("127.0.0.1", description="the address to listen on; any but loopback needs a key")
    port: int = Field(8000, ge=1, le=65535, description="the port to listen on")
    public_url: str | None = Field(None, description="the https:// address at which a proxy in front offers the server")
    key_file: str = Field("", description="file of API keys' hashes, made with --new-key; empty = no file")
    key_variable: str = Field(
        "TUNESMITH_SERVE_KEY", description="the environment variable that holds an API key, if any"
    )
    db: str = Field("tunesmith.db", description="the database of the chat page; empty = no page, nothing is recorded")
    workspace: str = Field("", description="a folder of pages (Markdown, text, HTML, PDF, CSV) that chats may draw on")
    embedder: str = Field(
        "",
        description="finds passages by meaning too: folder of an encoder or a chat model, hub id or desk; empty = off",
    )
    ab: tuple[str, ...] = Field((), description="A/B tests of the database to offer as models; NAME=MODEL: of prompts")
    max_length: int = Field(0, ge=0, description="tokens of prompt and completion together; 0 = what the model can")
    limits: Limits = Field(Limits(), description="bounds of requests, queue and clients")


def run(config: Config, context: RunContext) -> RunResult:
    """Open the models and answer requests until a signal."""
    key = context.environment.get(config.key_variable, "")
    keys = keys_of([(config.key_variable, key)] if key else [], Path(config.key_file) if config.key_file else None)
    hosts = allowed_hosts(config.host, config.public_url, keys)
    address = config.public_url or address_of(config.host, config.port)
    if context.dry_run:
        return RunResult(out=Path(), summary={"dry_run": True, "address": address, "keys": len(keys)})
    models = _upstream(config, context) if config.upstream else _local(config, context)
    library = open_library(config.workspace, config.embedder, context) if config.workspace else None
    database = open_database(config.db) if config.db else None
    models += open_experiments(config.ab, database, models, context)
    names = [model.name for model in models]
    page = chat_page(database, names, library) if database else {"library": library}
    app = create_app(ServeSettings(limits=config.limits, keys=keys, hosts=hosts), models, **page)
    guarded = f"{len(keys)} API keys" if keys else "no API key needed on this machine"
    where = f"{address}/v1" + (f", chat at {address}/chat" if database else "")
    context.log(f"serving {', '.join(names)} at {where} · {guarded} · Ctrl-C ends it")
    try:
        serve(app, host=config.host, port=config.port)
    finally:
        if database:
            database.close()
    return RunResult(out=Path(), summary={"address": address, "models": names})


def _local(config: Config, context: RunContext) -> list[ServedModel]:
    if not config.models:
        raise ConfigError("no model", where="models", remedy="give a run, a model folder, or desk")
    served: list[ServedModel] = []
    for one in named(config.models):
        model, folder = open_model(model_folder(one.model))
        context.log(f"{one.name}: {folder}")
        batch = BatchLimits(rows=config.limits.rows, queue=config.limits.queue)
        limits = {"max_tokens": config.limits.max_tokens, "max_length": config.max_length}
        served.append(LocalModel(model, name=one.name, folder=str(folder), batch=batch, **limits))
    return served


def _upstream(config: Config, context: RunContext) -> list[ServedModel]:
    address = check_address(config.upstream, allow_local=config.allow_local)
    key = context.environment.get(config.upstream_key_variable, "")
    upstream = Upstream(address=address, key=key, timeout_s=config.timeout_s, max_tokens=config.limits.max_tokens)
    wanted = named(config.models) or [Named(name, name) for name in listed_models(upstream)]
    context.log(f"upstream: {address.url}, {'with' if key else 'without'} a key")
    return [UpstreamModel(upstream, name=one.name, remote=one.model) for one in wanted]
