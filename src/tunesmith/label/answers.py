"""What a labeler may answer, by kind of annotation task: from the letters on screen to completion ids, or refused."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tunesmith.core.errors import DataError
from tunesmith.label.blind import id_of, letters
from tunesmith.label.flags import FLAG_NAMES

TEXT_LIMIT = 100_000
NOTE_LIMIT = 2_000
AnswerKind = Literal["rank", "pair", "write", "edit", "flag", "assess"]
Letter = Annotated[str, Field(pattern="^[A-I]$")]
FlagsByLetter = dict[Letter, list[Annotated[str, Field(max_length=40)]]]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    note: str = Field("", max_length=NOTE_LIMIT)


class RankAnswer(_Answer):
    """Ratings, flags and the order of all completions; `sure` keeps an order that contradicts the ratings."""

    order: list[list[Letter]] = Field(max_length=9)
    ratings: dict[Letter, Annotated[int, Field(ge=1, le=7)]]
    flags: FlagsByLetter = Field(default_factory=dict)
    none_acceptable: bool = False
    sure: bool = False


class PairAnswer(_Answer):
    """Which of two is better."""

    choice: Literal["A", "B", "tie", "both_bad"]
    flags: FlagsByLetter = Field(default_factory=dict)


class TextAnswer(_Answer):
    """A written or edited completion."""

    text: str = Field(min_length=1, max_length=TEXT_LIMIT)


class FlagAnswer(_Answer):
    """Whether a text could stir strong negative feelings."""

    sensitive: bool


class AssessAnswer(_Answer):
    """The topics for which somebody feels able to tell."""

    topics: list[Annotated[str, Field(max_length=200)]] = Field(max_length=100)


_MODELS: Mapping[str, type[_Answer]] = {
    "rank": RankAnswer,
    "pair": PairAnswer,
    "write": TextAnswer,
    "edit": TextAnswer,
    "flag": FlagAnswer,
    "assess": AssessAnswer,
}


def read_answer(kind: AnswerKind, body: Mapping[str, Any], shown: Sequence[str]) -> dict[str, Any]:
    """Return the payload to store; `shown` are the completions as they were shown, or the topics to choose from.

    Raises:
        DataError: a field is missing, unknown or out of range; completions are left out or named twice; or the order
            contradicts the ratings and the labeler did not say `sure`.
    """
    try:
        answer = _MODELS[kind].model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise DataError(first["msg"], where=".".join(str(part) for part in first["loc"])) from error
    if isinstance(answer, RankAnswer):
        payload = _rank(answer, shown)
    elif isinstance(answer, PairAnswer):
        payload = _pair(answer, shown)
    elif isinstance(answer, FlagAnswer):
        payload = {"sensitive": answer.sensitive}
    elif isinstance(answer, AssessAnswer):
        payload = _assess(answer, shown)
    else:
        assert isinstance(answer, TextAnswer)
        payload = _text(answer)
    return payload | ({"note": answer.note} if answer.note else {})


def contradictions(order: Sequence[Sequence[str]], ratings: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the pairs (placed higher or equal, but rated lower) whose order and ratings disagree.

    Two completions with equal ratings may be ordered; two that are tied must not have different ratings.
    """
    place = {name: rank for rank, group in enumerate(order) for name in group}
    found = []
    for one, two in itertools.combinations(place, 2):
        above, below = (one, two) if place[one] <= place[two] else (two, one)
        if ratings[above] < ratings[below]:
            found.append((above, below))
        elif place[above] == place[below] and ratings[above] > ratings[below]:
            found.append((below, above))
    return found


def _rank(answer: RankAnswer, shown: Sequence[str]) -> dict[str, Any]:
    ids = letters(shown)
    order = [[id_of(letter, ids, "order") for letter in group] for group in answer.order]
    named = [name for group in order for name in group]
    if sorted(named) != sorted(shown) or not all(order):
        raise DataError("must name every completion once", where="order")
    ratings = {id_of(letter, ids, "ratings"): rating for letter, rating in answer.ratings.items()}
    if len(ratings) != len(shown):
        raise DataError("must rate every completion", where="ratings")
    against = contradictions(order, ratings)
    if against and not answer.sure:
        raise DataError("the order contradicts the ratings", where="order", remedy="change one of them, or say sure")
    return {
        "order": order,
        "ratings": ratings,
        "flags": _flags(answer.flags, ids),
        "none_acceptable": answer.none_acceptable,
        "contradictions": [list(pair) for pair in against],
    }


def _pair(answer: PairAnswer, shown: Sequence[str]) -> dict[str, Any]:
    ids = letters(shown)
    if answer.choice in ids:
        other = next(letter for letter in ids if letter != answer.choice)
        order = [[ids[answer.choice]], [ids[other]]]
    else:
        order = [list(shown)]
    flags = _flags(answer.flags, ids)
    return {"order": order, "ratings": {}, "flags": flags, "none_acceptable": answer.choice == "both_bad"}


def _assess(answer: AssessAnswer, topics: Sequence[str]) -> dict[str, Any]:
    unknown = set(answer.topics) - set(topics)
    if unknown:
        raise DataError(f"unknown topic {sorted(unknown)[0]!r}", where="topics")
    return {"topics": [topic for topic in topics if topic in answer.topics]}


def _text(answer: TextAnswer) -> dict[str, Any]:
    text = answer.text.strip()
    if not text:
        raise DataError("must not be empty", where="text")
    return {"text": text}


def _flags(given: FlagsByLetter, ids: Mapping[str, str]) -> dict[str, list[str]]:
    flags: dict[str, list[str]] = {}
    for letter, names in given.items():
        unknown = set(names) - FLAG_NAMES
        if unknown:
            raise DataError(f"unknown flag {sorted(unknown)[0]!r}", where=f"flags.{letter}")
        if names:
            flags[id_of(letter, ids, "flags")] = sorted(set(names))
    return flags
