"""A model folder, answered by the project's own engine through the template it was trained with."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from tunesmith.core.errors import DataError
from tunesmith.model.load import LanguageModel
from tunesmith.serve.engine import BatchLimits, Engine
from tunesmith.serve.job import Job
from tunesmith.serve.served_model import Ask, Delta
from tunesmith.web.refusal import Refusal


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
    def ready(self) -> bool:
        """Whether asks are taken and answered."""
        return self.engine.ready

    @property
    def waiting(self) -> int:
        """How many asks wait for their first token."""
        return self.engine.waiting

    async def start(self, ask: Ask) -> _LocalAnswer:
        """Queue the ask; see `ServedModel.start`."""
        prompt = self._prompt(ask)
        job = Job(ask, prompt, self._room(ask, len(prompt)), self._tokenizer)
        self.engine.submit(job)
        return _LocalAnswer(self, job)

    def close(self, grace_s: float) -> None:
        """Stop; see `ServedModel.close`."""
        self.engine.close(grace_s)

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
        """Return token ids of a caller: any of the vocabulary but the control tokens, which are the template's."""
        special = self._tokenizer.special_ids()
        if any(not 0 <= token < self._tokenizer.vocab_size or token in special for token in ids):
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
        if room < 1 or (ask.max_tokens is not None and wanted > room):
            text = (
                f"the prompt has {prompt_tokens} tokens and the completion {ask.max_tokens or 'at least 1'}, "
                f"together more than the model's {self.max_length}"
            )
            raise Refusal(400, text, code="context_length_exceeded", param="messages" if ask.messages else "prompt")
        return min(wanted, room)


class _LocalAnswer:
    """See `Answer`."""

    def __init__(self, model: LocalModel, job: Job) -> None:
        self.model = model.name
        self.folder = model.folder
        self.prompt_tokens = len(job.prompt)
        self._engine = model.engine
        self._job = job

    def deltas(self) -> AsyncIterator[Delta]:
        """Yield the pieces; see `Answer.deltas`."""
        return self._job.outbox.read()

    async def close(self) -> None:
        """Take the rows out of the batch before the next step."""
        self._engine.cancel(self._job)
