"""People's comparisons of two models' completions, from a table: win rates, agreement, and one ladder."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.evaluate.outside_completions import PROMPT
from tunesmith.evaluate.tables import TableRow, column_of, is_empty, read_table, text_of
from tunesmith.evaluate.win_rate import Outcome, Preference, win_rate
from tunesmith.statistics.alpha import krippendorff_alpha
from tunesmith.statistics.bradley_terry import Game, Strength, ladder
from tunesmith.statistics.rates import Rate, clustered_rate

FIRST = ("model_a", "model_1", "model1", "first_model")
SECOND = ("model_b", "model_2", "model2", "second_model")
BOTH = ("cmp_key", "models", "pair")
VOTE = ("winner", "preference", "preferred", "choice", "label", "vote", "better")
_SEPARATORS = ("_vs_", " vs ", " vs. ", "_")
_VOTERS = re.compile(r"(?:annotator|labeler|rater|judge|worker)_?\d+$")
_FIRST_WORDS = frozenset({"a", "1", "first", "model_a", "model_1", "left", "response_a", "response1"})
_SECOND_WORDS = frozenset({"b", "2", "second", "model_b", "model_2", "right", "response_b", "response2"})
_TIE_WORDS = frozenset({"tie", "0", "equal", "both", "neither", "draw", "tie_(bothbad)", "bothbad", "0.5"})


class Judgement(NamedTuple):
    """One person's outcome for the first of two models on one item; `cluster` is the prompt."""

    first: str
    second: str
    outcome: Outcome
    item: str
    cluster: str


class People(NamedTuple):
    """What people said.

    `agreement`: share of equal judgements over pairs of people on one item, ties a kind of their own; `alpha` is
    Krippendorff's (nominal); None where no two people judged one item. `no_ladder` says why there is no ladder.
    """

    judgements: int
    win_rates: dict[str, Preference]
    agreement: Rate | None
    alpha: Rate | None
    ladder: list[Strength]
    left_out: dict[str, int]
    no_ladder: str

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "judgements": self.judgements,
            "win_rates": {
                name: {"win_rate": p.rate.to_json(), "wins": p.wins, "ties": p.ties, "losses": p.losses}
                for name, p in self.win_rates.items()
            },
            **({"agreement": self.agreement.to_json()} if self.agreement else {}),
            **({"krippendorff_alpha": self.alpha.to_json()} if self.alpha else {}),
            "ladder": [{"model": step.model, **step.to_json()} for step in self.ladder],
            **({"no_ladder": self.no_ladder} if self.no_ladder else {}),
            "left_out": self.left_out,
        }


def read_people(paths: Sequence[Path], *, seed: int) -> People:
    """Return what people said in the tables; judgements that cannot be read are counted and left out.

    Raises:
        DataError: a table lacks the models or the votes, or nothing in it can be read.
    """
    left_out: Counter[str] = Counter()
    found: list[Judgement] = []
    for path in paths:
        table = read_table(path)
        left_out.update(table.left_out)
        found += _judgements(table.rows, path, left_out)
    if not found:
        why = ", ".join(f"{reason}: {n}" for reason, n in left_out.items())
        raise DataError("no judgement that can be read", where=", ".join(map(str, paths)), why=why)
    games = [Game(j.first, j.second, {"win": 1.0, "tie": 0.5, "loss": 0.0}[j.outcome], j.cluster) for j in found]
    steps: list[Strength] = []
    reason = ""
    try:
        steps = ladder(games, seed=seed)
    except DataError as error:
        reason = str(error)
    agreement, alpha = _agreement(found, seed=seed)
    return People(len(found), _win_rates(found, seed=seed), agreement, alpha, steps, dict(left_out), reason)


def _judgements(rows: Sequence[TableRow], path: Path, left_out: Counter[str]) -> list[Judgement]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    first, second, both = (column_of(rows, usual, "", "model") for usual in (FIRST, SECOND, BOTH))
    votes = [name for name in names if _VOTERS.fullmatch(name)] or [name for name in VOTE if name in names][:1]
    if not votes or not ((first and second) or both):
        raise DataError(
            "not a table of comparisons",
            where=str(path),
            why=f"the columns are {', '.join(names)}",
            remedy="it needs model_a, model_b (or cmp_key), and winner (or annotator1, annotator2 ...)",
        )
    prompt = column_of(rows, PROMPT, "", "prompt")
    context = "input" if prompt != "input" and "input" in names else None
    found = []
    for number, row in enumerate(rows, 1):
        models = (text_of(row.get(first)), text_of(row.get(second))) if first and second else _pair(row.get(both or ""))
        if models is None or not all(models):
            left_out["two models that cannot be told apart"] += len(votes)
            continue
        asked = (
            f"{text_of(row.get(prompt))}\x1f{text_of(row.get(context)) if context else ''}" if prompt else str(number)
        )
        answers = "\x1f".join(text_of(v) for k, v in sorted(row.items()) if k.startswith(("response", "completion")))
        item = f"{asked}\x1f{models}\x1f{answers}" if prompt else str(number)
        for vote in votes:
            outcome = _outcome(row.get(vote), models)
            if outcome is None:
                left_out["no vote" if is_empty(row.get(vote)) else "a vote that cannot be read"] += 1
            else:
                found.append(Judgement(*models, outcome, item, asked))
    return found


def _pair(cell: object) -> tuple[str, str] | None:
    text = text_of(cell)
    for separator in _SEPARATORS:
        parts = text.split(separator)
        if len(parts) == 2:
            return parts[0].strip(), parts[1].strip()
    return None


def _outcome(cell: object, models: tuple[str, str]) -> Outcome | None:
    text = text_of(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()
    if text in models:
        return "win" if text == models[0] else "loss"
    word = re.sub(r"\s+", "_", text.lower())
    kinds: tuple[tuple[frozenset[str], Outcome], ...] = (
        (_FIRST_WORDS, "win"), (_SECOND_WORDS, "loss"), (_TIE_WORDS, "tie")
    )  # fmt: skip
    return next((outcome for words, outcome in kinds if word in words), None)


def _win_rates(found: Sequence[Judgement], *, seed: int) -> dict[str, Preference]:
    """Return the win rate of each pair of models, read from the alphabetically first one's side."""
    pairs: dict[str, dict[str, list[Outcome]]] = {}
    turned: Mapping[Outcome, Outcome] = {"win": "loss", "loss": "win", "tie": "tie"}
    for j in found:
        swap = j.first > j.second
        name = f"{j.second} vs {j.first}" if swap else f"{j.first} vs {j.second}"
        pairs.setdefault(name, {}).setdefault(j.cluster, []).append(turned[j.outcome] if swap else j.outcome)
    return {name: win_rate(list(by_prompt.values()), seed=seed) for name, by_prompt in sorted(pairs.items())}


def _agreement(found: Sequence[Judgement], *, seed: int) -> tuple[Rate | None, Rate | None]:
    by_prompt: dict[str, dict[str, list[float]]] = {}
    for j in found:
        by_prompt.setdefault(j.cluster, {}).setdefault(j.item, []).append(
            {"win": 1.0, "tie": 0.0, "loss": 2.0}[j.outcome]
        )
    equal = [
        [float(a == b) for votes in items.values() for a, b in itertools.combinations(votes, 2)]
        for items in by_prompt.values()
    ]
    rows = [row for row in equal if row]
    alpha = krippendorff_alpha([list(items.values()) for items in by_prompt.values()], level="nominal", seed=seed)
    return (clustered_rate(rows, seed=seed) if rows else None), alpha
