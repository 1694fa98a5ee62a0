"""Who was shown which arm, and what they made of it: two logs that only grow, and the report that reads them."""

from __future__ import annotations

import math
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.nearest import did_you_mean
from tunesmith.statistics.ab_test import AbReport, Outcome, judge_metric, make_report
from tunesmith.store.experiment.experiments import Experiment, ExperimentEndedError, Variant, assign, person_of
from tunesmith.store.experiment.tables import experiment_metrics, experiments, exposures, outcomes


class Counts(NamedTuple):
    """How far an experiment is."""

    people: int
    exposures: int
    outcomes: int


def expose(
    connection: Connection, experiment: Experiment, user: str, *, now: float, reply_id: str | None = None
) -> Variant:
    """Assign a user and log that they were shown their arm; the same `reply_id` again is logged once.

    After the experiment's end nothing is logged, and everybody gets the control or the promoted arm.
    """
    arm = assign(experiment, user)
    if experiment.status != "running":
        return arm
    if (
        reply_id is not None
        and connection.execute(select(exposures.c.id).where(exposures.c.reply_id == reply_id)).first()
    ):
        return arm
    values = {"experiment_id": experiment.id, "arm_id": arm.id, "person": person_of(experiment, user)}
    connection.execute(insert(exposures).values(**values, reply_id=reply_id, time=now))
    return arm


def record(
    connection: Connection, experiment: Experiment, user: str, metric: str, value: float, *, key: str, now: float
) -> bool:
    """Store one outcome of a user who was shown their arm; the same `key` again stores nothing and returns False.

    Raises:
        ConfigError: the experiment has no such metric.
        DataError: the value is not finite, or the user was never shown an arm (so they are in no arm).
        ExperimentEndedError: the experiment has ended.
    """
    if experiment.status != "running":
        raise ExperimentEndedError(f"{experiment.name} was {experiment.status}", why=experiment.reason)
    names = [known.name for known in experiment.metrics]
    if metric not in names:
        raise ConfigError(f"no metric {metric!r}", where=experiment.name, remedy=did_you_mean(metric, names))
    if not math.isfinite(value):
        raise DataError(f"{value} is no outcome", where=metric)
    if connection.execute(select(outcomes.c.id).where(outcomes.c.key == key)).first() is not None:
        return False
    person = person_of(experiment, user)
    mine = (exposures.c.experiment_id == experiment.id, exposures.c.person == person)
    arm_id = connection.execute(select(exposures.c.arm_id).where(*mine).limit(1)).scalar_one_or_none()
    if arm_id is None:
        raise DataError("was never shown an arm", where=f"user {user}", remedy="log the exposure first")
    values = {"experiment_id": experiment.id, "arm_id": arm_id, "person": person, "metric": metric}
    connection.execute(insert(outcomes).values(**values, key=key, value=value, time=now))
    return True


def record_of_reply(connection: Connection, reply_id: str, metric: str, value: float, *, now: float) -> bool:
    """Store an outcome of whoever was shown this reply, once per reply and metric.

    Returns False, and stores nothing, where the reply was not part of a running experiment that has this metric, or the
    reply has such an outcome already: a log that only grows keeps the first.
    """
    key = f"{reply_id} {metric}"
    shown = connection.execute(
        select(exposures.c.experiment_id, exposures.c.arm_id, exposures.c.person)
        .join(experiments, experiments.c.id == exposures.c.experiment_id)
        .join(experiment_metrics, experiment_metrics.c.experiment_id == experiments.c.id)
        .where(exposures.c.reply_id == reply_id, experiments.c.status == "running", experiment_metrics.c.name == metric)
    ).one_or_none()
    if shown is None or connection.execute(select(outcomes.c.id).where(outcomes.c.key == key)).first() is not None:
        return False
    values = {**shown._asdict(), "metric": metric, "key": key, "value": value, "time": now}
    connection.execute(insert(outcomes).values(values))
    return True


def counts(connection: Connection, experiment: Experiment) -> Counts:
    """Return how many people were shown an arm, how often, and how many outcomes there are."""
    shown = select(func.count(exposures.c.person.distinct()), func.count()).where(
        exposures.c.experiment_id == experiment.id
    )
    people, n = connection.execute(shown).one()
    said = select(func.count()).select_from(outcomes).where(outcomes.c.experiment_id == experiment.id)
    return Counts(people, n, connection.execute(said).scalar_one())


def report(connection: Connection, experiment: Experiment) -> AbReport:
    """Return the experiment's report from everything logged so far."""
    index = {arm.id: place for place, arm in enumerate(experiment.arms)}
    first = select(func.min(exposures.c.id)).where(exposures.c.experiment_id == experiment.id)
    ids = first.group_by(exposures.c.person)
    shown = select(exposures.c.arm_id).where(exposures.c.id.in_(ids)).order_by(exposures.c.id)
    assigned = [index[arm_id] for arm_id in connection.execute(shown).scalars()]
    results = []
    for metric in experiment.metrics:
        mine = (outcomes.c.experiment_id == experiment.id, outcomes.c.metric == metric.name)
        found = select(outcomes.c.arm_id, outcomes.c.person, outcomes.c.value).where(*mine).order_by(outcomes.c.id)
        said = [Outcome(index[row.arm_id], row.person, row.value) for row in connection.execute(found)]
        results.append(judge_metric(metric, experiment.arms, said))
    notes = [f"{experiment.status}: {experiment.reason}"] if experiment.status != "running" else []
    return make_report(experiment.name, experiment.arms, results, assigned=assigned, notes=notes)
