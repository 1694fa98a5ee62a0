"""One ask inside the engine: its prompt, its rows in the batch, and the text that they become."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.model.decoder import Row
from tunesmith.model.sampling import Sampling
from tunesmith.serve.outbox import Outbox
from tunesmith.serve.served_model import Ask, Delta, Finish, TokenLogprob
from tunesmith.text.stop_strings import StopStrings
from tunesmith.text.token_stream import TokenStream
from tunesmith.text.tokenizer import Tokenizer


class Job:
    """An ask with rendered `prompt` ids. `cancelled` may be set from any thread; the engine looks at every step."""

    def __init__(self, ask: Ask, prompt: Sequence[int], max_tokens: int, tokenizer: Tokenizer) -> None:
        self.prompt = prompt
        self.outbox = Outbox(ask.n)
        self.cancelled = False
        how = Sampling(
            max_tokens=max_tokens, temperature=ask.temperature, top_p=ask.top_p, top_k=ask.top_k, seed=ask.seed
        )
        self.choices = [Choice(self, number, ask, how, tokenizer) for number in range(ask.n)]

    @property
    def rows(self) -> list[Row]:
        """The rows of the job, one a choice."""
        return [choice.row for choice in self.choices]


class Choice:
    """One completion of a job. Its random numbers are those of `generate` for a single prompt with the same seed."""

    def __init__(self, job: Job, number: int, ask: Ask, how: Sampling, tokenizer: Tokenizer) -> None:
        self.job = job
        self.number = number
        self.row = Row(how, how.uniforms(0, number), likeliest=ask.top_logprobs or 0)
        self.over = False
        self._logprobs = ask.top_logprobs is not None
        self._tokenizer = tokenizer
        self._stream = TokenStream(tokenizer)
        self._stops = StopStrings(ask.stop)

    def take(self) -> None:
        """Turn the row's newest token into a delta for the reader."""
        row = self.row
        text = self._stops.add("" if row.finished else self._stream.add(row.ids[-1:]))
        if row.done and not self._stops.hit:
            text += self._stops.add(self._stream.flush()) + self._stops.flush()
        finish: Finish | None = None
        if row.finished or self._stops.hit:
            finish = "stop"
        elif row.done:
            finish = "length"
        self.over = finish is not None
        logprobs = (self._logprob(),) if self._logprobs and not row.finished else ()
        self.job.outbox.put(Delta(self.number, text, 1, logprobs, finish))

    def _logprob(self) -> TokenLogprob:
        row, decode = self.row, self._tokenizer.decode
        top = tuple((decode([token]), logprob) for token, logprob in row.tops[-1]) if row.likeliest else ()
        return TokenLogprob(decode(row.ids[-1:]), row.logprobs[-1], top)
