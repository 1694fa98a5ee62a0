"""The one chat template object: training, reward model, PPO, evaluation, chat and serving all render through it.

Any Hugging Face Jinja template works, and yields exact masks without generation markers: the template is rendered once
with a placeholder for each message's text, which cuts its output into the template's own pieces and the texts.

    <|user|> §0§ <|end|><|assistant|> §1§ <|end|>          control pieces between texts 0 and 1

Pieces are tokenised apart: control pieces with special tokens on, texts with special tokens off. So nobody can forge a
turn, no token straddles a border, and the loss mask (True = assistant text and its end-of-turn token) is exact.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Message, messages_to_json
from tunesmith.text.tokenizer import Tokenizer

END = "<|end|>"
ROLE_TOKENS = ("<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
DEFAULT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_MARK = re.compile("\ue000([0-9]+)\ue001")


class Rendered(NamedTuple):
    """A conversation as tokens. `loss_mask[i]` True (or 1): token i is the assistant's, and is learned."""

    ids: Sequence[int]
    loss_mask: Sequence[int]

    def compact(self) -> Rendered:
        """Return the same in five bytes a token; lists, of which a data set has many, take about 40."""
        return Rendered(array("i", self.ids), array("b", self.loss_mask))


class Run(NamedTuple):
    """So many tokens in a row, all learned or none."""

    tokens: int
    learned: bool


class _Pieces(NamedTuple):
    control: tuple[str, ...]  # n + 1 pieces around n texts
    trimmed: bool  # the template strips white space around each text


class ChatTemplate:
    """Renders messages to ids and loss masks, with one tokenizer."""

    def __init__(self, tokenizer: Tokenizer, source: str | None = None) -> None:
        self.tokenizer = tokenizer
        template = source if source is not None else tokenizer.chat_template
        if template is None:
            raise ConfigError(
                "the model has no chat template",
                why="a base model was given where a chat model is needed",
                remedy="train it with `tunesmith train sft`, which installs one",
            )
        self.source: str = template
        self._compiled = _environment().from_string(template)
        self._special = tokenizer.special_ids()
        self._control_ids = lru_cache(maxsize=4096)(lambda text: tuple(tokenizer.control(text)))
        self._pieces = lru_cache(maxsize=1024)(self._cut)
        self.stop_ids: tuple[int, ...] = self._find_stop_ids()

    @property
    def hash(self) -> str:
        """SHA-256 of the template's source: it goes into every checkpoint and is checked at load."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def render(self, messages: Sequence[Message]) -> Rendered:
        """Return the ids of a whole conversation and which of them are learned.

        Raises:
            DataError: the template refuses these roles, drops or rewrites a text, or does not end an assistant turn
                with a special token.
        """
        control, texts = self._split(messages, generation=False)
        ids: list[int] = list(self._control_ids(control[0]))
        mask = [False] * len(ids)
        for message, text, piece in zip(messages, texts, control[1:], strict=True):
            learned = message.role == "assistant"
            content = self.tokenizer.encode(text)
            after = self._control_ids(piece)
            end = self._end_of_turn(after) if learned else 0
            ids += [*content, *after]
            mask += [learned] * (len(content) + end) + [False] * (len(after) - end)
        return Rendered(ids, mask)

    def measure(self, messages: Sequence[Message], count: Callable[[str], int]) -> list[Run]:
        """Return the lengths of `render`'s stretches that are learned and that are not; `count` gives a text's tokens.

        Raises:
            DataError: as `render`.
        """
        control, texts = self._split(messages, generation=False)
        runs = [Run(len(self._control_ids(control[0])), False)]
        for message, text, piece in zip(messages, texts, control[1:], strict=True):
            learned = message.role == "assistant"
            after = self._control_ids(piece)
            end = self._end_of_turn(after) if learned else 0
            runs += [Run(count(text) + end, learned), Run(len(after) - end, False)]
        return runs

    def render_prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids that the model continues: the conversation and the start of the assistant's turn.

        Raises:
            DataError: as `render`; or the result would not be a token prefix of the rendered, answered conversation.
        """
        control, texts = self._split(messages, generation=True)
        answered, _ = self._split([*messages, Message("assistant", "")], generation=False)
        if answered[: len(control)] != control:
            raise DataError(
                "the template's prompt is not a prefix of the answered conversation",
                why=f"{control[-1]!r} against {answered[len(control) - 1]!r}",
                remedy="use a template whose generation prompt equals the start of an assistant turn",
            )
        ids: list[int] = list(self._control_ids(control[0]))
        for text, piece in zip(texts, control[1:], strict=True):
            ids += [*self.tokenizer.encode(text), *self._control_ids(piece)]
        return ids

    def render_completion(self, text: str, *, finished: bool = True) -> list[int]:
        """Return the ids of an answer, with its end-of-turn token unless it was cut off."""
        ids = self.tokenizer.encode(text)
        return [*ids, self.stop_ids[0]] if finished else ids

    def completion_text(self, ids: Sequence[int]) -> str:
        """Return the text of an answer's ids, without tokens that end a turn: what `render_completion` was given."""
        return self.tokenizer.decode([i for i in ids if i not in self.stop_ids])

    def _split(self, messages: Sequence[Message], *, generation: bool) -> tuple[tuple[str, ...], list[str]]:
        roles = tuple(m.role for m in messages)
        pieces = self._pieces(roles, generation)
        texts = [m.content.strip() if pieces.trimmed else m.content for m in messages]
        return pieces.control, texts

    def _cut(self, roles: tuple[str, ...], generation: bool) -> _Pieces:
        """Return the control pieces around the texts of a conversation with these roles."""
        marked = [Message(role, f"\ue000{i}\ue001") for i, role in enumerate(roles)]  # type: ignore[arg-type]
        parts = _MARK.split(self._jinja(marked, generation))
        order = [int(i) for i in parts[1::2]]
        if order != list(range(len(roles))):
            raise DataError(
                f"the chat template does not keep every message once and in order (roles: {', '.join(roles)})",
                remedy="use a template that prints each message's content as it is",
            )
        padded = [Message(m.role, f" {m.content} ") for m in marked]
        trimmed = self._jinja(padded, generation) == self._jinja(marked, generation)
        return _Pieces(tuple(parts[0::2]), trimmed)

    def _jinja(self, messages: Sequence[Message], generation: bool) -> str:
        names = {n: self.tokenizer.named_token(n) or "" for n in ("bos_token", "eos_token", "pad_token", "unk_token")}
        try:
            return self._compiled.render(
                messages=messages_to_json(tuple(messages)), add_generation_prompt=generation, tools=None, **names
            )
        except TemplateError as error:
            roles = ", ".join(m.role for m in messages)
            raise DataError(f"the chat template refuses this conversation: {error}", where=f"roles {roles}") from error

    def _end_of_turn(self, after: tuple[int, ...]) -> int:
        for index, token in enumerate(after):
            if token in self._special:
                return index + 1
        raise DataError(
            "the chat template does not end an assistant turn with a special token",
            why="a model trained on it would never learn to stop",
            remedy="add an end-of-turn token to the template",
        )

    def _find_stop_ids(self) -> tuple[int, ...]:
        pieces = self._pieces(("user", "assistant"), False)
        after = self._control_ids(pieces.control[-1])
        stop = after[self._end_of_turn(after) - 1]
        eos = self.tokenizer.named_id("eos_token")
        return (stop,) if eos is None or eos == stop else (stop, eos)


def install_default_template(tokenizer: Tokenizer) -> int:
    """Give a base model's tokenizer this project's template; returns how many tokens the embedding must grow by."""
    added = tokenizer.add_special_tokens([*ROLE_TOKENS, END])
    tokenizer.config["chat_template"] = DEFAULT_TEMPLATE
    return added


def open_template(folder: Path) -> ChatTemplate:
    """Return a model folder's chat template; a base model gets the one that `train sft` would install.

    Raises:
        ConfigError: the folder has no tokenizer.
    """
    tokenizer = Tokenizer.load(folder)
    if tokenizer.chat_template is None:
        install_default_template(tokenizer)
    return ChatTemplate(tokenizer)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now(UTC).strftime(form)
    return environment
