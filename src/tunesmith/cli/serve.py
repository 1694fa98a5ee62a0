"""`tunesmith serve MODEL...`: models over HTTP, as OpenAI's API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens and who may come in."""

    host: Annotated[
        str | None, typer.Option(help="The address to listen on; any but loopback needs a key.", show_default=False)
    ] = None
    port: Annotated[int | None, typer.Option(help="The port, 8000 by default.", show_default=False)] = None
    public_url: Annotated[
        str | None, typer.Option(help="The https:// address of a proxy in front.", show_default=False)
    ] = None
    key_file: Annotated[Path | None, typer.Option(help="API keys' hashes, one a line.", show_default=False)] = None
    db: Annotated[
        str | None, typer.Option(help="Where chats are kept: a file (tunesmith.db), or a URL.", show_default=False)
    ] = None


@dataclass(frozen=True, slots=True)
class Offered:
    """What is offered beside the models themselves."""

    workspace: Annotated[
        Path | None, typer.Option(help="A folder of pages that chats may draw on.", show_default=False)
    ] = None
    embedder: Annotated[
        str | None, typer.Option(help="Find passages by meaning too, with this model.", show_default=False)
    ] = None
    ab: Annotated[
        list[str] | None, typer.Option(help="Offer this A/B test of --db as a model. Repeatable.", show_default=False)
    ] = None


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(serve)


def serve(
    console: Console,
    stage_flags: StageFlags,
    address: Address,
    offered: Offered,
    models: Annotated[
        list[str] | None, typer.Argument(help="Runs or model folders; NAME=MODEL gives it another name.")
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="Stand in front of this OpenAI-compatible server.", show_default=False)
    ] = None,
    new_key: Annotated[
        str | None, typer.Option(help="Make an API key of this name in --key-file, show it, stop.", show_default=False)
    ] = None,
) -> Outcome:
    """Serve models over HTTP until Ctrl-C: OpenAI's API, continuous batching, limits, keys."""
    if new_key is not None:
        return _make_key(console, address.key_file, new_key)
    flags = {
        "models": models or None,
        "upstream": upstream,
        "ab": offered.ab or None,
        "workspace": None if offered.workspace is None else str(offered.workspace),
        "embedder": offered.embedder,
        "host": address.host,
        "port": address.port,
        "db": address.db,
        "public_url": address.public_url,
        "key_file": None if address.key_file is None else str(address.key_file),
    }
    return run_stage(console, "serve", stage_flags, flags=flags)


def _make_key(console: Console, file: Path | None, name: str) -> Outcome:
    from tunesmith.serve.access import add_key

    if file is None:
        raise ConfigError("is missing", where="--key-file", remedy="name the file that keeps the key's hash")
    key = add_key(file, name)
    console.warn("this is the only time the key is shown; the file keeps its hash")
    return Outcome(
        summary={"name": name, "key": key},
        lines=[key],
        artefacts={"keys": str(file)},
        next_command=f"tunesmith serve MODEL --key-file {file}",
    )
