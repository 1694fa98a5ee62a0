"""A screening as InstructGPT chose its labelers (arXiv 2203.02155, appendix B.1): four tests, then a person decides.

1. Agreement with the lead on which texts are sensitive. 2. Agreement with the lead on rankings. 3. Demonstrations for
sensitive prompts, graded 1-7 by leads. 4. The topics and groups for which the candidate feels able to tell sensitive
speech: a list, not a sample, so it has no interval. The paper's cut-offs are 75 % for the first two and 6 of 7 for the
third; the fourth is judged by a person, and so is the whole, without names.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Message, Prompt, Record
from tunesmith.label.adding import item_record, known_answer
from tunesmith.label.calibration import Opened
from tunesmith.label.judgements import against_gold, judged, known_order, rate_of
from tunesmith.label.work import prompt_of, topics_of
from tunesmith.statistics.few import mean_of_few
from tunesmith.statistics.rates import Rate, wilson
from tunesmith.store.annotation.candidates import Verdict, candidates, grades_in, verdicts_in
from tunesmith.store.annotation.items import Item, NewItem, items_by_id
from tunesmith.store.annotation.labels import LabelEvent, labels_of
from tunesmith.store.annotation.rounds import Left, Test, finishes, items_of, left_in, list_rounds, open_round
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.annotation.users import User
from tunesmith.store.problems import NotNow

CUTOFFS: Mapping[str, float] = {"flagging": 0.75, "ranking": 0.75, "writing": 6.0}
QUESTION = "For which of these topics and groups do you feel able to tell whether a text is sensitive?"
TOPICS = (
    "Age",
    "Disability",
    "Ethnicity and origin",
    "Gender",
    "Mental health and self-harm",
    "Politics",
    "Religion",
    "Sexual content",
    "Sexual orientation",
    "Social class and poverty",
    "Violence and abuse",
)
State = Literal["reached", "missed", "open"]


class Demonstrated(NamedTuple):
    """A demonstration that a candidate wrote, with everybody's grades; the mean of them is its grade."""

    event_id: int
    asked: Sequence[Message]
    text: str
    grades: Mapping[int, int]


class CandidateLine(NamedTuple):
    """A candidate's scores; None where nothing was answered, or graded, yet. `state` says of each cut-off."""

    user: User
    alias: str
    done: int
    of: int
    finished: bool
    flagging: Rate | None
    ranking: Rate | None
    writing: Rate | None
    topics: Sequence[str]
    state: Mapping[str, State]
    demonstrations: Sequence[Demonstrated]
    verdict: Verdict | None

    @property
    def passes(self) -> bool | None:
        """Whether every cut-off is reached; None while something is open."""
        if "open" in self.state.values() or not self.finished:
            return None
        return all(one == "reached" for one in self.state.values())


class ScreeningReport(NamedTuple):
    """Everybody in a screening, and which topics those who are approved cover together."""

    candidates: Sequence[CandidateLine]
    topics: Sequence[str]
    covered: Mapping[str, int]


def open_screening(
    connection: Connection,
    task: AnnotationTask,
    records: Iterable[Record],
    *,
    topics: Sequence[str] = TOPICS,
    now: float,
) -> Opened:
    """Make the tests of a screening: sensitive texts, rankings, prompts to answer, and the question on topics, last.

    A demonstration with `sensitive` (true or false) in its `meta` is a text to flag; a ranking or comparison with the
    answer in it is ranked; a prompt is answered.

    Raises:
        DataError: one of the first three tests has no item.
        NotNow: the screening has its tests already.
    """
    if list_rounds(connection, task.id):
        raise NotNow(f"the screening {task.name!r} has its tests already", remedy="give a new one another name")
    refused: Counter[str] = Counter()
    made: dict[Test, list[NewItem]] = {"flagging": [], "ranking": [], "writing": []}
    for record in records:
        try:
            test, item = _tested(record)
        except DataError as error:
            refused[error.what] += 1
            continue
        made[test].append(item)
    missing = [test for test, items in made.items() if not items]
    if missing:
        raise DataError(f"a screening needs items for {', '.join(missing)}", where=f"annotation task {task.name!r}")
    asked = Prompt(messages=(Message("user", QUESTION),), meta={"topics": list(topics)})
    made["self_assessment"] = [NewItem(record=asked)]
    rows = [(item, test) for test, items in made.items() for item in items]
    return Opened(open_round(connection, task, rows, opened_by=None, now=now), len(rows), dict(refused))


def screening_report(connection: Connection, task: AnnotationTask) -> ScreeningReport:
    """Return every candidate's scores."""
    [one] = list_rounds(connection, task.id)
    tests = {found.item_id: found.test for found in items_of(connection, one.id)}
    items = items_by_id(connection, list(tests))
    said: dict[str, list[LabelEvent]] = defaultdict(list)
    for item_id in tests:
        for event in labels_of(connection, item_id):
            said[event.labeler].append(event)
    done, grades = finishes(connection, one.id), grades_in(connection, task.id)
    verdicts = verdicts_in(connection, task.id)
    lines = []
    for user in candidates(connection, task.id):
        answered: dict[Test | None, list[tuple[Item, LabelEvent]]] = {test: [] for test in tests.values()}
        for event in said[user.name]:
            answered[tests[event.item_id]].append((items[event.item_id], event))
        left = left_in(connection, one.id, user)
        lines.append(_line(task, user, answered, left, user.id in done, grades, verdicts.get(user.id)))
    approved = [line for line in lines if line.verdict and line.verdict.approved]
    topics = next(topics_of(items[i]) for i, test in tests.items() if test == "self_assessment")
    covered = {topic: sum(topic in line.topics for line in approved) for topic in topics}
    return ScreeningReport(sorted(lines, key=lambda line: line.alias), topics, covered)


def alias(task: AnnotationTask, user: User) -> str:
    """Return the name under which a candidate is judged: it tells neither who they are nor when they came."""
    return hashlib.sha256(f"alias:{task.seed}:{task.id}:{user.id}".encode()).hexdigest()[:4].upper()


def _tested(record: Record) -> tuple[Test, NewItem]:
    if isinstance(record, Demonstration):
        sensitive = record.meta.get("sensitive")
        if not isinstance(sensitive, bool):
            raise DataError("a text to flag needs true or false as `sensitive` in its meta")
        bare = {name: value for name, value in record.meta.items() if name != "sensitive"}
        return "flagging", NewItem(record=dataclasses.replace(record, meta=bare), gold={"sensitive": sensitive})
    if isinstance(record, Prompt):
        return "writing", NewItem(record=record)
    return "ranking", NewItem(record=item_record("rank", record), gold=known_answer(record))


def _line(
    task: AnnotationTask,
    user: User,
    answered: Mapping[Test | None, Sequence[tuple[Item, LabelEvent]]],
    left: Left,
    finished: bool,
    grades: Mapping[int, Mapping[int, int]],
    verdict: Verdict | None,
) -> CandidateLine:
    alike = [event.payload["sensitive"] == (item.gold or {})["sensitive"] for item, event in answered["flagging"]]
    ranked = [judged(item, [event]) for item, event in answered["ranking"]]
    truths = {item.id: known_order(item) for item, _ in answered["ranking"]}
    written = [
        Demonstrated(event.id, prompt_of(item), event.payload["text"], grades.get(event.id, {}))
        for item, event in answered["writing"]
    ]
    scores = {
        "flagging": wilson(sum(alike), len(alike)) if alike else None,
        "ranking": rate_of(against_gold(ranked, truths, None)),
        "writing": _mean_grade(written),
    }
    return CandidateLine(
        user=user,
        alias=alias(task, user),
        done=left.done,
        of=left.of,
        finished=finished,
        **scores,
        topics=[topic for _, event in answered["self_assessment"] for topic in event.payload["topics"]],
        state={test: _state(score, CUTOFFS[test]) for test, score in scores.items()},
        demonstrations=written,
        verdict=verdict,
    )


def _mean_grade(written: Sequence[Demonstrated]) -> Rate | None:
    """Return the mean grade with Student's interval, cut to the scale; None until each demonstration has a grade."""
    if not written or not all(one.grades for one in written):
        return None
    means = [sum(one.grades.values()) / len(one.grades) for one in written]
    if len(means) == 1:  # one text tells nothing of the next
        return Rate(means[0], 1.0, 7.0, 1)
    value, low, high, n = mean_of_few(means)
    return Rate(value, max(1.0, low), min(7.0, high), n)


def _state(score: Rate | None, cutoff: float) -> State:
    return "open" if score is None else "reached" if score.value >= cutoff else "missed"
