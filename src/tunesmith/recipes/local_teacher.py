"""A model folder as a teacher: questions that wait together are answered in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Lock

from tunesmith.core.records import Message
from tunesmith.make.teacher import Decoding, Reply, TeacherError
from tunesmith.model.generate import Sampling, generate
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.stage import open_model

_Waiting = tuple[list[int], Decoding, "Future[Reply]"]


class LocalTeacher:
    """Answers through the project's generator. Sampled answers depend on the batch that a question falls into."""

    def __init__(self, folder: str) -> None:
        self._model, path = open_model(model_folder(folder))
        self._template = self._model.chat_template()
        self.name = str(path)
        self._waiting: list[_Waiting] = []
        self._queue, self._busy = Lock(), Lock()

    def reply(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        """Return one answer; see `Teacher.reply`."""
        ids = self._template.render_prompt(messages)
        room = getattr(self._model.network.config, "max_position_embeddings", None)
        if room is not None and len(ids) + decoding.max_tokens > room:
            raise TeacherError(f"prompt and answer are longer than the model's {room} positions")
        mine: Future[Reply] = Future()
        with self._queue:
            self._waiting.append((ids, decoding, mine))
        # Whoever gets the model next answers for all that have queued up by then.
        with self._busy:
            if not mine.done():
                with self._queue:
                    batch, self._waiting = self._waiting, []
                self._answer(batch)
        return mine.result()

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        try:
            for decoding in dict.fromkeys(how for _, how, _ in batch):
                alike = [(ids, future) for ids, how, future in batch if how == decoding]
                self._generate(alike, decoding)
        except Exception as error:
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(error)

    def _generate(self, alike: Sequence[tuple[list[int], Future[Reply]]], decoding: Decoding) -> None:
        sampling = Sampling(
            max_tokens=decoding.max_tokens,
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            seed=decoding.seed or 0,
        )
        rows = generate(
            self._model.network, [ids for ids, _ in alike], stop_ids=self._template.stop_ids, sampling=sampling
        )
        for (ids, future), [row] in zip(alike, rows, strict=True):
            text = self._template.completion_text(row.ids)
            future.set_result(Reply(text, "stop" if row.finished else "length", len(ids) + len(row.ids)))
