"""Talk with a trained model in the terminal, through the template it was trained with, about pages of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from tunesmith.context.budget import Fitted, Request, fit
from tunesmith.context.library import Library, Sources
from tunesmith.context.receipt import receipt_lines
from tunesmith.context.workspace import open_workspace
from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Message, messages_to_json
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.model.generate import Sampling, stream
from tunesmith.model.load import LanguageModel
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.searching import library_of
from tunesmith.recipes.stage import open_model
from tunesmith.text.chat_template import ChatTemplate


class Config(Strict):
    """Chat."""

    model: str = Field("", description="a run, a model folder, or a hub id")
    system: str = Field("", description="a system message, if any")
    temperature: float = Field(0.7, ge=0, description="0 = greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="1 = off")
    max_tokens: int = Field(128, ge=1, description="longest answer")
    max_length: int = Field(1024, ge=8, description="tokens of prompt and answer together; never exceeded")
    seed: int = Field(0, description="the seed of the answers")
    workspace: str = Field("", description="a folder of pages (Markdown, text, HTML, PDF, CSV) to answer from")
    page: tuple[str, ...] = Field((), description="pages of the workspace that go in first; none = retrieval chooses")
    embedder: str = Field(
        "",
        description="finds passages by meaning too: folder of an encoder or a chat model, hub id or desk; empty = off",
    )
    passages: int = Field(20, ge=0, description="most passages that retrieval may offer; 0 = none")


def run(config: Config, context: RunContext) -> RunResult:
    """Read a line, answer it, until an empty line or the end of input."""
    library = open_library(config, context)
    model, folder = open_model(model_folder(config.model))
    template = model.chat_template()
    talk: list[Message] = [Message("system", config.system)] if config.system else []
    context.log(f"Talking with {folder}. An empty line or Ctrl-D ends it.")
    receipts: list[dict[str, Any]] = []
    turn = 0
    while line := (context.read("you> ") or "").strip():
        talk.append(Message("user", line))
        fitted = prompt_of(template, talk, library, config)
        for words in receipt_lines(fitted.receipt) if config.workspace or _left_out(fitted) else ():
            context.log(words)
        receipts.append(fitted.receipt.to_json())
        reply = say(model, template, fitted.ids, config, context, seed=config.seed + turn)
        talk.append(Message("assistant", reply))
        turn += 1
    summary = {"turns": turn, "messages": messages_to_json(tuple(talk)), "receipts": receipts}
    return RunResult(out=Path(folder), summary=summary, artefacts={"model": str(folder)}, next_command="")


def open_library(config: Config, context: RunContext) -> Library | None:
    """Return the workspace, in which every named page is; None without one.

    Raises:
        ConfigError: there is no such folder or page, or a page is named without a workspace.
    """
    if not config.workspace:
        if config.page:
            raise ConfigError("a page needs a workspace", where="page", remedy="give --workspace DIR")
        return None
    library = library_of(open_workspace(Path(config.workspace)), config.embedder, context)
    for name in config.page:
        library.workspace.page(name)
    return library


def prompt_of(template: ChatTemplate, talk: list[Message], library: Library | None, config: Config) -> Fitted:
    """Return the prompt for the last message: as much of the pages and of the history as fits, and the receipt."""
    sources, unread = Sources(), []
    if library:
        passages = 0 if config.page else config.passages
        sources = library.sources(talk[-1].content, pages=config.page, passages=passages)
        unread = [f"{problem.name} {problem.reason}" for problem in library.workspace.problems]
    request = Request(messages=talk, **sources._replace(notes=(*unread, *sources.notes))._asdict())
    return fit(template, request, max_length=config.max_length, max_tokens=config.max_tokens)


def _left_out(fitted: Fitted) -> bool:
    return any(entry.state == "out" for entry in fitted.receipt.entries)


def say(
    model: LanguageModel, template: ChatTemplate, prompt: list[int], config: Config, context: RunContext, *, seed: int
) -> str:
    """Print the answer as it is sampled, and return it."""
    sampling = Sampling(max_tokens=config.max_tokens, temperature=config.temperature, top_p=config.top_p, seed=seed)
    ids: list[int] = []
    shown = ""
    for token in stream(model.network, prompt, stop_ids=template.stop_ids, sampling=sampling):
        ids.append(token)
        text = template.tokenizer.decode(ids)
        if not text.endswith("\ufffd"):  # a character may need several tokens
            context.write(text[len(shown) :])
            shown = text
    context.write("\n")
    return template.tokenizer.decode(ids)
