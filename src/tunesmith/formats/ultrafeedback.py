"""UltraFeedback (arXiv 2310.01377) and distilabel: one prompt, several completions, a rating for each.

Completions with equal ratings are tied; one without a rating is not ranked. Of UltraFeedback's own two scores the
fine-grained one decides: `overall_score` is known to hold tens that were meant as ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import Completion, Ranking, RankingLabel, Record
from tunesmith.formats.fields import PROMPT_FIELDS, JsonRow, extras, filled_text, first_of, prompt_of

NAME = "ultrafeedback"
_LISTS = ("generations", "responses")
_RATINGS = ("ratings", "rating", "scores")
_MODELS = ("generation_models", "models", "model_names")
_LABELERS = ("labelling_model", "rating_model", "labeler")
_SCORES = ("fine-grained_score", "overall_score", "rating", "score")
_TEXTS = ("response", "text", "completion", "content")


class _Rated(NamedTuple):
    text: str
    model: str
    rating: float | None


def sniff(row: JsonRow) -> bool:
    """Say whether the row has rated completions."""
    if isinstance(row.get("completions"), list) and "messages" not in row:
        return bool(first_of(row, ("instruction", "prompt", "question")))
    return isinstance(row.get(first_of(row, _LISTS)), list) and bool(first_of(row, _RATINGS))


def parse(row: JsonRow) -> list[Record]:
    """Return the ranking; whole-number ratings stay on the label, others are in meta under `ratings`.

    Raises:
        DataError: a field is missing or of the wrong type, lists of different lengths, or no two ratings.
    """
    asked = prompt_of(row)
    rated = _objects(row["completions"]) if isinstance(row.get("completions"), list) else _columns(row)
    completions = tuple(Completion(id=letter(i), text=r.text, model=r.model) for i, r in enumerate(rated))
    ratings = {letter(i): r.rating for i, r in enumerate(rated) if r.rating is not None}
    if len(ratings) < 2:
        raise DataError(f"{len(ratings)} of {len(rated)} completions have a rating; two are needed", where="ratings")
    used = PROMPT_FIELDS | {"completions"} | set(_LISTS + _RATINGS + _MODELS + _LABELERS)
    meta = extras(row, used)
    whole = all(rating.is_integer() and abs(rating) < 2**53 for rating in ratings.values())
    label = RankingLabel(
        labeler=str(row.get(first_of(row, _LABELERS)) or "ratings"),
        order=order_by(ratings),
        ratings={key: int(rating) for key, rating in ratings.items()} if whole else {},
    )
    meta |= {} if whole else {"ratings": ratings}
    return [Ranking(messages=asked.messages, completions=completions, rankings=(label,), meta=asked.meta(meta))]


def letter(index: int) -> str:
    """Return the completion's id: a, b, c ... z, then the number."""
    return "abcdefghijklmnopqrstuvwxyz"[index] if index < 26 else str(index + 1)


def order_by(ratings: Mapping[str, float]) -> tuple[tuple[str, ...], ...]:
    """Return the ids grouped by rating, highest first; equal ratings share a group."""
    levels = sorted(set(ratings.values()), reverse=True)
    return tuple(tuple(key for key, rating in ratings.items() if rating == level) for level in levels)


def _objects(items: list[Any]) -> list[_Rated]:
    rated = []
    for index, item in enumerate(items):
        where = f"completions[{index}]"
        if not isinstance(item, dict):
            raise DataError("must be an object", where=where)
        name = first_of(item, _TEXTS) or "response"
        text = filled_text(item, name, f"{where}.{name}")
        score = first_of(item, _SCORES)
        rating = _number(item.get(score), f"{where}.{score}") if score else _mean_annotation(item, where)
        rated.append(_Rated(text, str(item.get("model") or ""), rating))
    return rated


def _mean_annotation(item: JsonRow, where: str) -> float | None:
    """Return the mean over the aspects that UltraFeedback's annotator rated."""
    annotations = item.get("annotations")
    aspects = annotations.values() if isinstance(annotations, dict) else []
    numbers = [_number(a.get("Rating"), f"{where}.annotations") for a in aspects if isinstance(a, dict)]
    known = [number for number in numbers if number is not None]
    return sum(known) / len(known) if known else None


def _columns(row: JsonRow) -> list[_Rated]:
    name, rating_name, model_name = first_of(row, _LISTS), first_of(row, _RATINGS), first_of(row, _MODELS)
    texts, ratings, models = row.get(name), row.get(rating_name), row.get(model_name)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError("must be a list of texts", where=name or "generations")
    if not isinstance(ratings, list) or len(ratings) != len(texts):
        raise DataError(f"must be a list of {len(texts)} numbers, one per completion", where=rating_name or "ratings")
    if not isinstance(models, list) or len(models) != len(texts):
        models = [""] * len(texts)
    return [
        _Rated(text, str(model or ""), _number(rating, f"{rating_name}[{index}]"))
        for index, (text, model, rating) in enumerate(zip(texts, models, ratings, strict=True))
    ]


def _number(value: object, where: str) -> float | None:
    """Return a rating; `N/A` and null are none.

    Raises:
        DataError: not a finite number.
    """
    if value is None or (isinstance(value, str) and value.strip().upper() in ("", "N/A", "NONE")):
        return None
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise DataError(f"must be a finite number, not {str(value)[:40]!r}", where=where)
