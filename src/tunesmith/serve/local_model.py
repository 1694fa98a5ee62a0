"""A model folder, answered by the project's own engine through the template it was trained with."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from tunesmith.context.budget import Request, fit
from tunesmith.context.draft import ContextTooLongError
from tunesmith.context.library import Sources
from tunesmith.core.errors import DataError
from tunesmith.model.load import LanguageModel
from tunesmith.serve.engine import BatchLimits, Engine
from tunesmith.serve.job import Job
from tunesmith.serve.served_model import Ask, Delta, Echo, Read, no_context
from tunesmith.web.refusal import Refusal

ANSWER_SHARE = 4  # of a model's length, one in so many tokens is kept for an answer whose longest length is not said


class LocalModel:
    """See `ServedModel`. `max_length` bounds prompt and completion together; 0 takes the network's own bound."""

    def __init__(
        self, model: LanguageModel, *, name: str, folder: str, max_tokens: int, max_length: int = 0,
        batch: BatchLimits | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.folder = folder
        self.created = int(time.time())
        positions = int(getattr(model.network.config, "max_position_embeddings", 0) or 0)
        self.max_length = min((size for size in (max_length, positions) if size), default=0)
        self._tokenizer = model.tokenizer
        self._template = model.template
        self._max_tokens = max_tokens
        stop_ids = model.template.stop_ids if model.template else ()
        end = model.tokenizer.named_id("eos_token")
        self.engine = Engine(
            model.network,
            sorted({*stop_ids, *([] if end is None else [end])}),
            batch or BatchLimits(),
            name=name,
        )

    @property
    def fits_context(self) -> bool:
        """Whether prompts can be fitted: there are a template to render with and a length to keep."""
        return self._template is not None and self.max_length > 0

    @property
    def ready(self) -> bool:
        """Whether asks are taken and answered."""
        return self.engine.ready

    @property
    def waiting(self) -> int:
        """How many asks wait for their first token."""
        return self.engine.waiting

    async def start(self, ask: Ask) -> _LocalAnswer:
        """Queue the ask; see `ServedModel.start`."""
        if ask.context is not None:
            # Counting tokens again and again takes a while; the others' streams must not wait for it.
            made = await run_in_threadpool(self._fitted, ask, ask.context)
        else:
            prompt = self._prompt(ask)
            made = _Prompt(prompt, self._room(ask, len(prompt)), Read(messages=ask.messages))
        job = Job(ask, made.ids, made.max_tokens, self._tokenizer)
        self.engine.submit(job)
        return _LocalAnswer(self, job, made.read)

    def close(self, grace_s: float) -> None:
        """Stop; see `ServedModel.close`."""
        self.engine.close(grace_s)

    def _fitted(self, ask: Ask, sources: Sources) -> _Prompt:
        """Return the fullest prompt that fits, by the rules of `context.budget`."""
        if self._template is None or not self.max_length:
            raise no_context(self.name)
        max_tokens = ask.max_tokens or min(self._max_tokens, max(1, self.max_length // ANSWER_SHARE))
        request = Request(messages=ask.messages, **sources._asdict())
        try:
            fitted = fit(self._template, request, max_length=self.max_length, max_tokens=max_tokens)
        except ContextTooLongError as error:
            raise Refusal(400, str(error), code="context_length_exceeded", param="messages") from error
        read = Read(messages=tuple(fitted.messages), receipt=fitted.receipt)
        return _Prompt(tuple(fitted.ids), max_tokens, read)

    def _prompt(self, ask: Ask) -> tuple[int, ...]:
        if isinstance(ask.prompt, str):
            ids = tuple(self._tokenizer.encode(ask.prompt))
        elif ask.prompt is not None:
            ids = self._checked(ask.prompt)
        elif self._template is None:
            text = f"{self.name} is a base model without a chat template; use /v1/completions"
            raise Refusal(400, text, code="no_chat_template", param="model")
        else:
            try:
                ids = tuple(self._template.render_prompt(ask.messages))
            except DataError as error:
                raise Refusal(400, str(error), param="messages") from error
        if not ids:
            raise Refusal(400, "the prompt is empty", code="invalid_value", param="prompt")
        return ids

    def _checked(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Return token ids of a caller: any of the vocabulary but the control tokens, which are the template's.

        The one that stands before a text may do so here too, as tools that score texts send it: it forges no turn.
        """
        special = self._tokenizer.special_ids()
        own = ids[1:] if ids[:1] == (self._tokenizer.start_id(),) else ids
        if any(not 0 <= token < self._tokenizer.vocab_size or token in special for token in own):
            raise Refusal(400, "the prompt holds an id that is no ordinary token", code="invalid_value", param="prompt")
        return ids

    def _room(self, ask: Ask, prompt_tokens: int) -> int:
        """Return how many tokens a completion may have.

        Raises:
            Refusal: prompt and completion would be longer than the model's length.
        """
        wanted = self._max_tokens if ask.max_tokens is None else ask.max_tokens
        if not self.max_length:
            return wanted
        room = self.max_length - prompt_tokens
        least, words = (1, "at least 1") if ask.max_tokens is None else (ask.max_tokens, str(ask.max_tokens))
        if room < least:
            text = (
                f"the prompt has {prompt_tokens} tokens and the completion {words}, "
                f"together more than the model's {self.max_length}"
            )
            raise Refusal(400, text, code="context_length_exceeded", param="messages" if ask.messages else "prompt")
        return min(wanted, room)


class _Prompt(NamedTuple):
    """What the engine is given, and what to say about it."""

    ids: tuple[int, ...]
    max_tokens: int
    read: Read


class _LocalAnswer:
    """See `Answer`."""

    def __init__(self, model: LocalModel, job: Job, read: Read) -> None:
        self.model = model.name
        self.folder = model.folder
        self.prompt_tokens = len(job.prompt)
        self.read = read
        self._engine = model.engine
        self._job = job

    def deltas(self) -> AsyncIterator[Delta]:
        """Yield the pieces; see `Answer.deltas`."""
        return self._job.outbox.read()

    async def echo(self) -> Echo:
        """Return the prompt's text and tokens; see `Answer.echo`."""
        # A long prompt has thousands of texts to decode; the others' streams must not wait for it.
        return await run_in_threadpool(self._job.echo)

    async def close(self) -> None:
        """Take the rows out of the batch before the next step."""
        self._engine.cancel(self._job)
