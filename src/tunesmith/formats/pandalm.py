"""PandaLM's test set (arXiv 2306.05087): two responses and one vote (1, 2, or 0 for a tie) per annotator."""

from __future__ import annotations

import re

from tunesmith.core.errors import DataError
from tunesmith.core.records import Completion, Ranking, RankingLabel, Record
from tunesmith.formats.fields import JsonRow, extras, filled_text, prompt_of

NAME = "pandalm"
_ORDERS = {0: (("1", "2"),), 1: (("1",), ("2",)), 2: (("2",), ("1",))}
_ANNOTATOR = re.compile(r"annotator\d+")


def sniff(row: JsonRow) -> bool:
    """Say whether the row has two responses and an annotator's vote."""
    return "response1" in row and "response2" in row and any(_ANNOTATOR.fullmatch(name) for name in row)


def parse(row: JsonRow) -> list[Record]:
    """Return a ranking of two completions with one label per annotator.

    Raises:
        DataError: a response that is not text (some are JSON booleans or numbers), or an unknown vote.
    """
    asked = prompt_of({name: row[name] for name in ("instruction", "input") if name in row})
    models = str(row.get("cmp_key") or "").split("_")
    if len(models) != 2:
        models = ["", ""]
    completions = tuple(
        Completion(id=number, text=filled_text(row, f"response{number}"), model=model)
        for number, model in zip("12", models, strict=True)
    )
    names = sorted(name for name in row if _ANNOTATOR.fullmatch(name))
    labels = []
    for name in names:
        vote = row[name]
        if isinstance(vote, bool) or not isinstance(vote, int) or vote not in _ORDERS:
            raise DataError(f"must be 0, 1 or 2, not {str(vote)[:40]}", where=name)
        labels.append(RankingLabel(labeler=name, order=_ORDERS[vote]))
    meta = extras(row, {"instruction", "input", "response1", "response2", *names})
    return [Ranking(messages=asked.messages, completions=completions, rankings=tuple(labels), meta=meta)]
