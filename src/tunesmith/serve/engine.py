"""Continuous batching: one thread a model; asks join and leave the running batch between decode steps.

First come, first served. Between two steps the engine reads prompts of at most `prefill_tokens` tokens (one prompt at
least), so that a crowd of newcomers does not silence those who are being answered.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition, Thread

import torch
from transformers import PreTrainedModel

from tunesmith.model.decoder import Decoder, Row
from tunesmith.serve.job import Choice, Job
from tunesmith.serve.outbox import wake_all
from tunesmith.web.refusal import Refusal

_log = logging.getLogger("tunesmith.serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """`rows` decode together; `queue` asks may wait; `prefill_tokens` of prompts are read between two steps."""

    rows: int = 32
    queue: int = 128
    prefill_tokens: int = 2048


class Engine:
    """The batch and its thread. Everything public may be called from any thread."""

    def __init__(self, network: PreTrainedModel, stop_ids: Sequence[int], limits: BatchLimits, *, name: str) -> None:
        self.steps = 0
        self._network = network
        self._stop_ids = tuple(stop_ids)
        self._limits = limits
        self._queue: deque[Job] = deque()
        self._change = Condition()
        self._closing = False
        self._cutting = False
        self._choices: dict[Row, Choice] = {}
        self._decoder = self._new_decoder()
        self._thread = Thread(target=self._run, name=f"engine {name}", daemon=True)
        self._thread.start()

    def _new_decoder(self) -> Decoder:
        return Decoder(self._network, self._stop_ids, rows=0, capacity=0)

    @property
    def ready(self) -> bool:
        """Whether asks are taken and answered."""
        return self._thread.is_alive() and not self._closing

    @property
    def waiting(self) -> int:
        """How many jobs wait for their first token."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """How many completions are being written."""
        return len(self._choices)

    def submit(self, job: Job) -> None:
        """Queue a job.

        Raises:
            Refusal: the queue is full, or the engine stops.
        """
        with self._change:
            if not self.ready:
                raise Refusal(503, "the server is stopping", retry_after=10, code="server_stopping")
            if len(job.choices) > self._limits.rows:
                text = f"n: at most {self._limits.rows} completions are written together"
                raise Refusal(400, text, code="invalid_value", param="n")
            if len(self._queue) >= self._limits.queue:
                text = f"{len(self._queue)} requests wait already; please try again"
                raise Refusal(503, text, retry_after=2, code="server_busy")
            self._queue.append(job)
            self._change.notify()

    def cancel(self, job: Job) -> None:
        """Take a job out of the queue, or out of the batch before its next step."""
        with self._change:
            job.cancelled = True
            if job in self._queue:
                self._queue.remove(job)
            self._change.notify()

    def close(self, grace_s: float) -> None:
        """Take no more jobs, let the others finish within `grace_s` seconds, then cut them."""
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join(grace_s)
        with self._change:
            self._cutting = True
            self._change.notify()
        self._thread.join()

    def _run(self) -> None:
        with torch.inference_mode():
            while True:
                with self._change:
                    self._change.wait_for(lambda: self._queue or self._choices or self._closing)
                    if self._cutting or (self._closing and not self._queue and not self._choices):
                        break
                    arrivals = self._arrivals()
                try:
                    self._step(arrivals)
                except Exception:
                    # One bad step must not end the server; those in the batch are told, the next ones start anew.
                    _log.exception("a decode step failed; %d completions are lost", len(self._choices))
                    self._fail(arrivals, Refusal(500, "the model failed on this batch", code="model_failed"))
        with self._change:
            left = list(self._queue)
            self._queue.clear()
        self._fail(left, Refusal(503, "the server stopped before the answer was complete", code="server_stopping"))

    def _arrivals(self) -> list[Job]:
        """Return the jobs that join the batch now, in the order in which they came."""
        found: list[Job] = []
        room = self._limits.rows - len(self._choices)
        tokens = self._limits.prefill_tokens
        while self._queue and len(self._queue[0].choices) <= room:
            if found and len(self._queue[0].prompt) > tokens:
                break
            job = self._queue.popleft()
            room -= len(job.choices)
            tokens -= len(job.prompt)
            found.append(job)
        return found

    def _step(self, arrivals: Sequence[Job]) -> None:
        """Read the prompts of new jobs, give everybody a token, and let those leave who are done or unwanted."""
        if arrivals:
            self._choices.update((choice.row, choice) for job in arrivals for choice in job.choices)
            scores = self._decoder.read(
                [job.prompt for job in arrivals],
                [job.rows for job in arrivals],
                [job.likeliest for job in arrivals],
            )
            for job, found in zip(arrivals, scores, strict=True):
                job.scores = found
                if found is not None and not all(map(math.isfinite, found.logprobs)):
                    _give_up(job)
        if not self._choices:
            return
        self._decoder.choose()
        self.steps += 1
        for choice in self._choices.values():
            if choice.job.cancelled:
                continue
            if not math.isfinite(choice.row.logprobs[-1]):
                _give_up(choice.job)
            else:
                choice.take()
        wake_all({choice.job.outbox for choice in self._choices.values()})
        self._drop_unwanted()
        if self._choices:
            self._decoder.advance()

    def _drop_unwanted(self) -> None:
        gone = {row for row, choice in self._choices.items() if choice.over or choice.job.cancelled}
        if gone:
            self._decoder.leave(gone.__contains__)
            for row in gone:
                del self._choices[row]

    def _fail(self, jobs: Sequence[Job], why: Refusal) -> None:
        affected = {choice.job for choice in self._choices.values()} | set(jobs)
        self._choices.clear()
        self._decoder = self._new_decoder()
        for job in affected:
            job.outbox.fail(why)
        wake_all(job.outbox for job in affected)


def _give_up(job: Job) -> None:
    job.outbox.fail(Refusal(500, "the model computed NaN or infinity", code="model_failed"))
    job.cancelled = True
