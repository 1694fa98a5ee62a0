"""What a labeler sees of a calibration round after finishing it: own answers beside the lead's and the group's.

Nobody is named, and the letters are those under which this labeler saw the completions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from tunesmith.core.records import Message, RankingLabel
from tunesmith.label.blind import letters
from tunesmith.label.calibration import answers, round_items
from tunesmith.label.judgements import Judged, against_gold, judged, known_order, pairwise, rate_of
from tunesmith.label.work import completions_of, order_for, prompt_of
from tunesmith.statistics.agreement import strict_pairs
from tunesmith.statistics.rates import Rate
from tunesmith.store.annotation.items import Item
from tunesmith.store.annotation.rounds import Round, finishes
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.annotation.users import User, list_users
from tunesmith.store.problems import NotNow


class ComparedCompletion(NamedTuple):
    """One completion: its place by the lead, by the labeler (None: skipped) and on average by the others."""

    letter: str
    text: str
    gold: int
    mine: int | None
    others: float | None


class ComparedItem(NamedTuple):
    """One item; `against` are the pairs of letters (better, worse) by the lead that the labeler put the other way."""

    asked: Sequence[Message]
    completions: Sequence[ComparedCompletion]
    against: Sequence[tuple[str, str]]
    skipped: bool


class CalibrationResult(NamedTuple):
    """A round as a labeler sees it: the rates of agreement, and the items; `others` have finished it too."""

    round: Round
    others: int
    mine_with_gold: Rate | None
    others_with_gold: Rate | None
    mine_with_others: Rate | None
    items: Sequence[ComparedItem]


def calibration_result(connection: Connection, task: AnnotationTask, one: Round, user: User) -> CalibrationResult:
    """Return the labeler's answers beside the lead's and the group's.

    Raises:
        NotNow: the labeler has not finished the round; until then nothing is shown.
    """
    done = finishes(connection, one.id)
    if user.id not in done:
        raise NotNow("answer the items of this round first", where=f"round {one.number}")
    others = {someone.name for someone in list_users(connection) if someone.id in done and someone.id != user.id}
    items = round_items(connection, one)
    truths = {item.id: known_order(item) for item in items}
    found = answers(connection, items, {user.name, *others})
    apart = [
        judged(item, [e for e in said.events if e.labeler in others]) for item, said in zip(items, found, strict=True)
    ]
    return CalibrationResult(
        round=one,
        others=len(others),
        mine_with_gold=rate_of(against_gold(found, truths, user.name)),
        others_with_gold=rate_of(against_gold(apart, truths, None)),
        mine_with_others=rate_of(pairwise(found, user.name)),
        items=[_compared(item, said, task, user) for item, said in zip(items, found, strict=True)],
    )


def _compared(item: Item, said: Judged, task: AnnotationTask, user: User) -> ComparedItem:
    names = letters(order_for(item, task, user))
    texts = {completion.id: completion.text for completion in completions_of(item)}
    gold = known_order(item)
    mine = next((label for label in said.labels if label.labeler == user.name), None)
    theirs = [places(label) for label in said.labels if label.labeler != user.name]
    by_lead, by_me = places(gold), places(mine) if mine else {}
    completions = [
        ComparedCompletion(letter, texts[name], by_lead[name], by_me.get(name), _mean([one[name] for one in theirs]))
        for letter, name in names.items()
    ]
    return ComparedItem(
        asked=prompt_of(item),
        completions=sorted(completions, key=lambda one: one.gold),
        against=_against(gold, mine, {name: letter for letter, name in names.items()}) if mine else (),
        skipped=mine is None,
    )


def places(label: RankingLabel) -> dict[str, int]:
    """Return each completion's place, 1 for the best; tied ones share theirs."""
    found: dict[str, int] = {}
    for group in label.order:
        found |= dict.fromkeys(group, len(found) + 1)
    return found


def _against(gold: RankingLabel, mine: RankingLabel, letter: Mapping[str, str]) -> list[tuple[str, str]]:
    said = set(strict_pairs(mine))
    return [
        (letter[pair.chosen], letter[pair.rejected])
        for pair in strict_pairs(gold)
        if (pair.rejected, pair.chosen) in said
    ]


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
