"""Which items labelers disagree about, and what they said, side by side."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from tunesmith.core.records import RankingLabel
from tunesmith.label.blind import letters
from tunesmith.label.flags import FLAGS
from tunesmith.label.work import item_view, order_for
from tunesmith.statistics.agreement import compare_labels
from tunesmith.store.annotation.items import get_item
from tunesmith.store.annotation.labels import NOT_ACCEPTABLE, LabelEvent, decision_on, label_stream, labels_of
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.annotation.users import User


class Disputed(NamedTuple):
    """An item without a decision; `disagreement` is the share of judgements that differ, None for texts."""

    item_id: int
    n_labels: int
    disagreement: float | None


def waiting_for_review(connection: Connection, task: AnnotationTask) -> list[Disputed]:
    """Return the labeled items that no reviewer has decided, the most disputed first.

    Of ranked items only those on which two labelers differ; of written and edited texts every one.
    """
    found = []
    for item_id, group in itertools.groupby(label_stream(connection, task.id), key=lambda event: event.item_id):
        events = list(group)
        if any(event.kind == "decision" for event in events):
            continue
        if task.kind in ("write", "edit"):
            found.append(Disputed(item_id, len(events), None))
        elif share := _disagreement(events):
            found.append(Disputed(item_id, len(events), share))
    return sorted(found, key=lambda one: (-(one.disagreement or 0.0), one.item_id))


def review_view(connection: Connection, task: AnnotationTask, item_id: int, user: User) -> dict[str, Any]:
    """Return an item with everybody's labels, in the reviewer's own letters."""
    item = get_item(connection, item_id)
    names = {name: letter for letter, name in letters(order_for(item, task, user)).items()}
    decision = decision_on(connection, item_id)
    return {
        "task": {"id": task.id, "name": task.name, "kind": task.kind},
        "item": item_view(item, task, user),
        "labels": [_said(event, names) for event in labels_of(connection, item_id)],
        "decision": None if decision is None else _said(decision, names),
    }


def label_of(event: LabelEvent, *, time: str | None = None, verdict: bool = False) -> RankingLabel:
    """Return a stored ranking or pair label as the record type that the rest of tunesmith reads.

    With `verdict`, the completions of a labeler who called none acceptable carry the flag `not_acceptable`.
    """
    payload = event.payload
    order = tuple(map(tuple, payload["order"]))
    flags = {name: tuple(given) for name, given in payload.get("flags", {}).items()}
    if verdict and payload.get("none_acceptable"):
        flags |= {name: (*flags.get(name, ()), NOT_ACCEPTABLE) for group in order for name in group}
    return RankingLabel(
        labeler=event.labeler,
        order=order,
        ratings=payload.get("ratings", {}),
        flags=flags,
        seconds=event.seconds,
        time=time,
    )


def _disagreement(events: Sequence[LabelEvent]) -> float:
    judged = differ = 0
    for one, two in itertools.combinations([label_of(event) for event in events], 2):
        counts = compare_labels(one, two)
        judged += sum(counts)
        differ += counts.opposite
    return differ / judged if judged else 0.0


def _said(event: LabelEvent, names: Mapping[str, str]) -> dict[str, Any]:
    payload = event.payload
    body: dict[str, Any] = {"labeler": event.labeler, "note": payload.get("note", ""), "seconds": event.seconds}
    if "text" in payload:
        return body | {"text": payload["text"]}
    flags = {flag.name: flag.label for flag in FLAGS}
    return body | {
        "order": [sorted(names[name] for name in group) for group in payload["order"]],
        "ratings": {names[name]: rating for name, rating in payload.get("ratings", {}).items()},
        "flags": {names[name]: [flags.get(flag, flag) for flag in said] for name, said in payload["flags"].items()},
        "none_acceptable": payload.get("none_acceptable", False),
    }
