"""Talk with a trained model in the terminal, through the template it was trained with."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Message, messages_to_json
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.model.generate import Sampling, stream
from tunesmith.model.load import LanguageModel
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.stage import open_model
from tunesmith.text.chat_template import ChatTemplate


class Config(Strict):
    """Chat."""

    model: str = Field("", description="a run, a model folder, or a hub id")
    system: str = Field("", description="a system message, if any")
    temperature: float = Field(0.7, ge=0, description="0 = greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="1 = off")
    max_tokens: int = Field(128, ge=1, description="longest answer")
    max_length: int = Field(1024, ge=8, description="tokens of the whole conversation; older turns leave first")
    seed: int = Field(0, description="the seed of the answers")


def run(config: Config, context: RunContext) -> RunResult:
    """Read a line, answer it, until an empty line or the end of input."""
    model, folder = open_model(model_folder(config.model))
    template = model.chat_template()
    talk: list[Message] = [Message("system", config.system)] if config.system else []
    context.log(f"Talking with {folder}. An empty line or Ctrl-D ends it.")
    turn = 0
    while line := (context.read("you> ") or "").strip():
        talk.append(Message("user", line))
        prompt, dropped = fit(template, talk, config.max_length - config.max_tokens)
        if dropped:
            context.log(f"({dropped} older messages no longer fit and were left out)")
        reply = say(model, template, prompt, config, context, seed=config.seed + turn)
        talk.append(Message("assistant", reply))
        turn += 1
    summary = {"turns": turn, "messages": messages_to_json(tuple(talk))}
    return RunResult(out=Path(folder), summary=summary, artefacts={"model": str(folder)}, next_command="")


def fit(template: ChatTemplate, talk: list[Message], room: int) -> tuple[list[int], int]:
    """Return the prompt's ids and how many older messages were left out so that it fits.

    The system message and the last user message always stay.

    Raises:
        ConfigError: those alone do not fit.
    """
    head = [m for m in talk[:1] if m.role == "system"]
    rest = talk[len(head) :]
    for dropped in range(0, len(rest), 2):  # a question leaves together with its answer
        ids = template.render_prompt([*head, *rest[dropped:]])
        if len(ids) <= room:
            return ids, dropped
    raise ConfigError(f"the message has more than {room} tokens", where="max_length", remedy="shorten it")


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
