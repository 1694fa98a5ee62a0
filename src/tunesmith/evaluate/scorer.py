"""What a scorer is: an item's target and a response become values per measure; a missing value is not a zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

Values = Mapping[str, Sequence[float]]
"""Measure -> the item's values of it. No value: unscored; several: they are pooled, and correlated."""


class Likelihoods(NamedTuple):
    """The response to `Choices`: for each continuation its log-prob in nats, summed over its tokens.

    `greedy`: whether greedy decoding would have written it; `characters`: its length, for normalisation, without the
    white space that joins it to the context.
    """

    logprobs: tuple[float, ...]
    greedy: tuple[bool, ...]
    characters: tuple[int, ...]


class Written(NamedTuple):
    """The response to `Ask`: the completions' texts and whether each ended by itself or at a stop text."""

    texts: tuple[str, ...]
    finished: tuple[bool, ...]


Response = Likelihoods | Written


@dataclass(frozen=True, slots=True)
class Measure:
    """What a number means. `unit` "share" lies in [0, 1]; `primary` measures are what a comparison tests.

    `higher_is_better` None describes a model and says nothing of its quality; such a measure is never primary.
    """

    name: str
    label: str
    higher_is_better: bool | None = True
    unit: Literal["share", "bits", "nats", "points", "tokens"] = "share"
    primary: bool = False


class Scorer(Protocol):
    """Turns a response into values. Pure: the same log can be scored again."""

    @property
    def name(self) -> str:
        """What the log calls it, with whatever decides its numbers (a version, a model's hash)."""

    @property
    def measures(self) -> Sequence[Measure]:
        """What it measures, the most important first."""

    def score(self, target: Any, response: Response) -> Values:
        """Return the values of every measure."""
        ...


def require_written(response: Response) -> Written:
    """Return the response of a task that asks for completions."""
    assert isinstance(response, Written), "this scorer reads completions"
    return response


def require_likelihoods(response: Response) -> Likelihoods:
    """Return the response of a task that asks for likelihoods."""
    assert isinstance(response, Likelihoods), "this scorer reads likelihoods"
    return response
