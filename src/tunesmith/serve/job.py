"""One ask inside the engine: its prompt, its rows in the batch, and the text that they become."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.model.decoder import Row
from tunesmith.model.prompt_scores import PromptScores
from tunesmith.model.sampling import Sampling
from tunesmith.serve.outbox import Outbox
from tunesmith.serve.served_model import Ask, Delta, Echo, Finish, TokenLogprob
from tunesmith.text.stop_strings import StopStrings
from tunesmith.text.token_stream import TokenStream
from tunesmith.text.tokenizer import Tokenizer


class Job:
    """An ask with rendered `prompt` ids. `cancelled` may be set from any thread; the engine looks at every step.

    `text` is the prompt's, where it is to be told. `likeliest`: how many top tokens the prompt's own tokens are scored
    with, None: not scored; `scores` come from the engine before the first delta.
    """

    def __init__(self, ask: Ask, prompt: Sequence[int], max_tokens: int, tokenizer: Tokenizer) -> None:
        self.prompt = prompt
        self.outbox = Outbox(ask.n)
        self.cancelled = False
        self.likeliest = ask.top_logprobs if ask.echo else None
        self.scores: PromptScores | None = None
        self._tokenizer = tokenizer
        self.text = ""  # what is told of the prompt
        if ask.echo:
            self.text = ask.prompt if isinstance(ask.prompt, str) else tokenizer.decode(prompt)
        how = Sampling(
            max_tokens=max(1, max_tokens), temperature=ask.temperature, top_p=ask.top_p, top_k=ask.top_k, seed=ask.seed
        )
        self.choices = [Choice(self, number, ask, how, tokenizer) for number in range(ask.n)]

    @property
    def rows(self) -> list[Row]:
        """The rows of the job, one a choice."""
        return [choice.row for choice in self.choices]

    def echo(self) -> Echo:
        """Return the prompt's text and tokens, after the first delta."""
        if self.scores is None:
            return Echo(self.text)
        decode, stream, offset, tokens = self._tokenizer.decode, TokenStream(self._tokenizer), 0, []
        for token, logprob, tops in zip(
            self.prompt, [None, *self.scores.logprobs], [[], *self.scores.tops], strict=True
        ):
            top = tuple((decode([one]), value) for one, value in tops)
            tokens.append(TokenLogprob(decode([token]), logprob, top, offset))
            offset += len(stream.add([token]))
        return Echo(self.text, tuple(tokens))


class Choice:
    """One completion of a job. Its random numbers are those of `generate` for a single prompt with the same seed."""

    def __init__(self, job: Job, number: int, ask: Ask, how: Sampling, tokenizer: Tokenizer) -> None:
        self.job = job
        self.number = number
        self.row = Row(how, how.uniforms(0, number), likeliest=ask.top_logprobs or 0)
        self.over = False
        self._silent = ask.max_tokens == 0  # only the prompt is asked about: one token is drawn, and not told
        self._whole = ask.echo  # whoever scores texts counts tokens from the end, so the end token is told too
        self._length = len(job.text)  # characters of what was told so far
        self._logprobs = ask.top_logprobs is not None
        self._tokenizer = tokenizer
        self._stream = TokenStream(tokenizer)
        self._stops = StopStrings(ask.stop)

    def take(self) -> None:
        """Turn the row's newest token into a delta for the reader."""
        row = self.row
        if self._silent:
            self.over = True
            self.job.outbox.put(Delta(self.number, "", 0, (), "length"))
            return
        logprobs = (self._logprob(),) if self._logprobs and (self._whole or not row.finished) else ()
        said = "" if row.finished else self._stream.add(row.ids[-1:])
        self._length += len(said)
        text = self._stops.add(said)
        if row.done and not self._stops.hit:
            text += self._stops.add(self._stream.flush()) + self._stops.flush()
        finish: Finish | None = None
        if row.finished or self._stops.hit:
            finish = "stop"
        elif row.done:
            finish = "length"
        self.over = finish is not None
        self.job.outbox.put(Delta(self.number, text, 1, logprobs, finish))

    def _logprob(self) -> TokenLogprob:
        row, decode = self.row, self._tokenizer.decode
        top = tuple((decode([token]), logprob) for token, logprob in row.tops[-1]) if row.likeliest else ()
        return TokenLogprob(decode(row.ids[-1:]), row.logprobs[-1], top, self._length)
