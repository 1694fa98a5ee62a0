"""A batch of completions being written, one token a step, that rows may join and leave between steps.

Everything that samples goes through here: rollouts and evaluation (`generate`), chat (`stream`) and serving. One step:

    choose()  a token for each row          rows that are done, or no longer wanted, `leave`;
    advance() the network reads the tokens  new rows are added with `read`, before the next choose

Each row has its own sampling settings and random numbers, so that what it becomes does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.data.batch import TokenBatch, TokenSequence, pack
from tunesmith.model.cache import KeyValueCache
from tunesmith.model.native.step import native_step
from tunesmith.model.network import logits_at, projection
from tunesmith.model.prompt_scores import PromptScores, prompt_scores
from tunesmith.model.sampling import Sampling, sample


@dataclass(slots=True, eq=False)
class Row:
    """One completion. `likeliest` asks for that many top tokens a step; `tops` has their (id, log-prob).

    Log-probs are of the whole softmax at the sampling temperature (at 1 for greedy), not of the truncated one.
    `ids` end with the stop token when `finished`.
    """

    sampling: Sampling
    uniforms: np.ndarray
    likeliest: int = 0
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    tops: list[list[tuple[int, float]]] = field(default_factory=list)
    finished: bool = False

    @property
    def done(self) -> bool:
        """Whether nothing more is to be written."""
        return self.finished or len(self.ids) >= self.sampling.max_tokens


@dataclass(frozen=True, slots=True)
class _Settings:
    """The rows' settings as columns (rows, 1), made anew when rows come or go."""

    temperatures: Tensor  # (rows,), 0 where greedy
    temperature: Tensor | None  # with 1 where greedy; None: 1 in every row
    greedy: Tensor | None
    truncated: Tensor | None  # indexes of the rows whose distribution is cut
    top_p: Tensor
    top_k: Tensor


# Which prompt each new row of the cache is, the states (rows, d) from which their first tokens are drawn, scores.
_Read = tuple[list[int], Tensor, list[PromptScores | None]]


class Decoder:
    """The batch. `rows` stand in the cache's order, which changes when some leave. Call within inference mode."""

    def __init__(self, network: PreTrainedModel, stop_ids: Sequence[int], *, rows: int = 1, capacity: int = 1) -> None:
        self.network = network
        self.rows: list[Row] = []
        self._stop = frozenset(stop_ids)
        self._cache = KeyValueCache(rows=rows, capacity=capacity)
        self._native = native_step(network)
        self._hidden = torch.empty(0)  # (rows, d): the state from which each row's next token is drawn
        self._tokens = torch.empty(0)  # (rows,): the tokens just chosen
        self._settings: _Settings | None = None

    def read(
        self, prompts: Sequence[Sequence[int]], rows: Sequence[Sequence[Row]], likeliest: Sequence[int | None] = ()
    ) -> list[PromptScores | None]:
        """Add rows: `rows[i]`, at least one, are completions of `prompts[i]`, which is read once.

        Returns the scores of each prompt's own tokens with `likeliest[i]` top tokens, None where that is not given.
        """
        likeliest = likeliest or [None] * len(prompts)
        longest = max(
            len(p) + max(r.sampling.max_tokens for r in group) for p, group in zip(prompts, rows, strict=True)
        )
        self._cache.reserve(rows=len(self.rows) + sum(map(len, rows)), capacity=longest)
        read = self._read_packed if self._native is None else self._read_native
        order, hidden, scores = read(prompts, likeliest)
        groups = [rows[i] for i in order]
        if any(len(group) > 1 for group in groups):
            counts = [len(group) for group in groups]
            self._cache.repeat(counts)
            hidden = hidden.repeat_interleave(torch.tensor(counts, device=hidden.device), dim=0)
        self._hidden = torch.cat([self._hidden, hidden]) if self.rows else hidden
        self.rows += [row for group in groups for row in group]
        self._settings = None
        return scores

    def _read_packed(self, prompts: Sequence[Sequence[int]], likeliest: Sequence[int | None]) -> _Read:
        batch = _packed(prompts, likeliest).to(self.network.device)
        out = self.network.base_model(
            input_ids=batch.ids[None],
            position_ids=batch.positions[None],
            use_cache=False,
            layout=batch.layout,
            cache=self._cache,
        )
        order = torch.argsort(batch.last)  # stream order is the cache's row order
        states = out.last_hidden_state[0]
        hidden = states.index_select(0, batch.last[order])
        return order.tolist(), hidden, prompt_scores(self.network, states, batch, likeliest)

    def _read_native(self, prompts: Sequence[Sequence[int]], likeliest: Sequence[int | None]) -> _Read:
        assert self._native is not None
        states = self._native.read(prompts, self._cache)
        ends = torch.tensor([len(p) for p in prompts]).cumsum(0)
        scores: list[PromptScores | None] = [None] * len(prompts)
        if any(k is not None for k in likeliest):
            batch = _packed(prompts, likeliest)
            places = [torch.arange(len(p)) + last - len(p) + 1 for p, last in zip(prompts, batch.last, strict=True)]
            stream = states.new_zeros(len(batch.ids), states.shape[1])
            stream[torch.cat(places)] = states
            weight = projection(self.network).weight
            scores = prompt_scores(self.network, stream.to(weight.dtype), batch, likeliest)
        return list(range(len(prompts))), states.index_select(0, ends - 1), scores

    def choose(self) -> None:
        """Give each row that is not done its next token."""
        settings = self._settings = self._settings or _settings_of(self.rows, self._hidden.device)
        wanted = any(row.likeliest for row in self.rows)
        if self._native is not None and settings.truncated is None and not wanted:
            self._tokens, chosen = self._native.draw(self._hidden, settings.temperatures, self._uniforms())
            self._note(chosen)
            return
        logits = (
            logits_at(self.network, self._hidden).float() if self._native is None else self._native.logits(self._hidden)
        )
        if settings.temperature is not None:
            logits = logits / settings.temperature
        logprobs = torch.log_softmax(logits, dim=-1)
        self._tokens = self._sampled(logprobs, settings)
        self._note(logprobs.gather(1, self._tokens[:, None])[:, 0])
        self._note_likeliest(logprobs)

    def choose_on(self) -> None:
        """As `choose`; as long as no row ends by it, `advance` and `choose` again: fewer calls, the same tokens."""
        settings = self._settings = self._settings or _settings_of(self.rows, self._hidden.device)
        live = torch.tensor([not row.done for row in self.rows])
        most = min((r.sampling.max_tokens - len(r.ids) for r in self.rows if not r.done), default=0)
        if self._native is None or settings.truncated is not None or any(r.likeliest for r in self.rows) or most < 2:
            self.choose()
            return
        uniforms = torch.from_numpy(np.stack([_coming(row, most) for row in self.rows], axis=1))
        stops = torch.tensor(sorted(self._stop), dtype=torch.long)
        drawn = self._native.write(self._hidden, self._cache, settings.temperatures, uniforms, live, stops)
        for self._tokens, chosen in zip(*drawn, strict=True):
            self._note(chosen)

    def _note(self, chosen: Tensor) -> None:
        for row, token, logprob in zip(self.rows, self._tokens.tolist(), chosen.tolist(), strict=True):
            if not row.done:
                row.ids.append(token)
                row.logprobs.append(logprob)
                row.finished = token in self._stop

    def _uniforms(self) -> Tensor:
        # A row that is done stays until it leaves; which number it is given does not matter.
        drawn = np.array([row.uniforms[min(len(row.ids), len(row.uniforms) - 1)] for row in self.rows])
        return torch.from_numpy(drawn).to(self._hidden.device)

    def _sampled(self, logprobs: Tensor, settings: _Settings) -> Tensor:
        if settings.greedy is not None and bool(settings.greedy.all()):
            return logprobs.argmax(dim=-1)
        uniform = self._uniforms()
        cut = settings.truncated
        if cut is None:
            tokens = sample(logprobs, uniform)
        elif len(cut) == len(self.rows):
            tokens = sample(logprobs, uniform, top_p=settings.top_p, top_k=settings.top_k)
        else:
            tokens = sample(logprobs, uniform)
            own = (t.index_select(0, cut) for t in (logprobs, uniform, settings.top_p, settings.top_k))
            some, numbers, top_p, top_k = own
            tokens[cut] = sample(some, numbers, top_p=top_p, top_k=top_k)
        if settings.greedy is not None:
            tokens = torch.where(settings.greedy, logprobs.argmax(dim=-1), tokens)
        return tokens

    def _note_likeliest(self, logprobs: Tensor) -> None:
        asking = [i for i, row in enumerate(self.rows) if row.likeliest and len(row.tops) < len(row.ids)]
        if not asking:
            return
        k = max(self.rows[i].likeliest for i in asking)
        values, ids = logprobs[torch.tensor(asking, device=logprobs.device)].topk(k, dim=-1)
        for i, row_ids, row_values in zip(asking, ids.tolist(), values.tolist(), strict=True):
            row = self.rows[i]
            row.tops.append(list(zip(row_ids, row_values, strict=True))[: row.likeliest])

    def leave(self, unwanted: Callable[[Row], bool], *, in_order: bool = False) -> None:
        """Take rows out between `choose` and `advance`; `in_order` leaves the others in order (bit-equal rollouts)."""
        gone = [i for i, row in enumerate(self.rows) if unwanted(row)]
        if not gone:
            return
        order = self._cache.remove(gone, in_order=in_order)
        index = torch.tensor(order, dtype=torch.long, device=self._tokens.device)
        self.rows = [self.rows[i] for i in order]
        self._tokens = self._tokens.index_select(0, index)
        self._settings = None

    def advance(self) -> None:
        """Let the network read the tokens just chosen."""
        if self._native is not None:
            self._hidden = self._native(self._tokens, self._cache)
        else:
            out = self.network.base_model(
                input_ids=self._tokens[None], position_ids=self._cache.lengths[None], use_cache=False, cache=self._cache
            )
            self._hidden = out.last_hidden_state[0]
        self._cache.advance()


def _coming(row: Row, steps: int) -> np.ndarray:
    """Return the row's numbers for its next `steps` draws; of a row that is done they do not matter."""
    return np.zeros(steps) if row.done else row.uniforms[len(row.ids) : len(row.ids) + steps]


def _packed(prompts: Sequence[Sequence[int]], likeliest: Sequence[int | None]) -> TokenBatch:
    return pack([TokenSequence(p, [k is not None] * len(p), "") for p, k in zip(prompts, likeliest, strict=True)])


def _settings_of(rows: Sequence[Row], device: torch.device) -> _Settings:
    how = [row.sampling for row in rows]

    def column(values: Sequence[float], dtype: torch.dtype) -> Tensor:
        return torch.tensor(values, dtype=dtype, device=device)[:, None]

    temperatures = [s.temperature or 1.0 for s in how]
    greedy = [s.temperature == 0 for s in how]
    cut = [i for i, s in enumerate(how) if s.truncated and s.temperature > 0]
    return _Settings(
        temperatures=torch.tensor([s.temperature for s in how], dtype=torch.float32, device=device),
        temperature=column(temperatures, torch.float32) if set(temperatures) != {1.0} else None,
        greedy=torch.tensor(greedy, device=device) if any(greedy) else None,
        truncated=torch.tensor(cut, device=device) if cut else None,
        top_p=column([s.top_p for s in how], torch.float32),
        top_k=column([s.top_k for s in how], torch.long),
    )
