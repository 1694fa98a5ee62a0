"""Experiments: made, assigned from, stopped, promoted. Which arm somebody gets is a hash: sticky without a table."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import Connection, insert, select, update

from tunesmith.core.errors import ConfigError, TunesmithError
from tunesmith.core.nearest import did_you_mean
from tunesmith.statistics.ab_test import Arm, Metric
from tunesmith.store.annotation.audit import record_action
from tunesmith.store.experiment.tables import experiment_arms, experiment_metrics, experiments

Kind = Literal["prompt", "model"]
Status = Literal["running", "stopped", "promoted"]
NAME_LIMIT = 60


class ExperimentEndedError(TunesmithError):
    """The experiment was stopped or promoted: nothing more is recorded, and its end is not changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant(Arm):
    """An arm with its number in the database and what it serves: a system prompt, or a model."""

    id: int = 0
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An A/B test. The first arm is the control. `salt` makes its assignment independent of every other test's."""

    id: int
    name: str
    kind: Kind
    salt: str
    status: Status
    reason: str
    promoted_arm: str | None
    created_at: float
    ended_at: float | None
    arms: tuple[Variant, ...]
    metrics: tuple[Metric, ...]

    def arm(self, name: str) -> Variant:
        """Return an arm by name.

        Raises:
            ConfigError: there is no such arm.
        """
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise ConfigError(f"no arm {name!r}", where=self.name, remedy=did_you_mean(name, [a.name for a in self.arms]))


def create(
    connection: Connection,
    name: str,
    *,
    kind: Kind,
    arms: Sequence[Variant],
    metrics: Sequence[Metric],
    now: float,
    salt: str | None = None,
) -> Experiment:
    """Store a new, running experiment and return it. Its shares stay as they are: changing them would move people.

    Raises:
        ConfigError: the name is taken or not fit, or arms, shares or metrics do not make a test.
    """
    _check(name, arms, metrics)
    if connection.execute(select(experiments.c.id).where(experiments.c.name == name)).first() is not None:
        raise ConfigError(f"there is an experiment {name!r} already", where="name", remedy="choose another name")
    values = {"name": name, "kind": kind, "salt": salt or secrets.token_hex(16), "status": "running", "reason": ""}
    new_id = connection.execute(
        insert(experiments).values(**values, created_at=now).returning(experiments.c.id)
    ).scalar_one()
    for position, arm in enumerate(arms):
        row = {"position": position, "name": arm.name, "share": arm.share, "value": arm.value}
        connection.execute(insert(experiment_arms).values(experiment_id=new_id, **row))
    for metric in metrics:
        row = {"name": metric.name, "role": metric.role, "better": metric.better, "margin": metric.margin}
        connection.execute(insert(experiment_metrics).values(experiment_id=new_id, **row))
    record_action(connection, "ab create", {"experiment": name}, user_id=None, now=now)
    return get(connection, name)


def _check(name: str, arms: Sequence[Variant], metrics: Sequence[Metric]) -> None:
    if not name.strip() or len(name) > NAME_LIMIT or not name.isprintable():
        raise ConfigError(f"a name has 1 to {NAME_LIMIT} visible characters", where="name")
    if len(arms) < 2 or len({arm.name for arm in arms}) < len(arms):
        raise ConfigError("a test needs at least two arms with different names", where="arm")
    if any(not 0 < arm.share < 1 for arm in arms) or abs(sum(arm.share for arm in arms) - 1) > 1e-9:
        raise ConfigError("the shares must be positive and sum to 1", where="share")
    if [metric.role for metric in metrics].count("primary") != 1:
        raise ConfigError("a test has exactly one primary metric, chosen before it starts", where="metric")
    if len({metric.name for metric in metrics}) < len(metrics) or any(metric.margin < 0 for metric in metrics):
        raise ConfigError("metrics need different names and margins that are not negative", where="metric")


def get(connection: Connection, name: str) -> Experiment:
    """Return an experiment by name.

    Raises:
        ConfigError: there is none of this name.
    """
    row = connection.execute(select(experiments).where(experiments.c.name == name)).one_or_none()
    if row is None:
        known = connection.execute(select(experiments.c.name)).scalars().all()
        raise ConfigError(f"there is no experiment {name!r}", remedy=did_you_mean(name, known))
    return _experiment_of(connection, row)


def list_experiments(connection: Connection) -> list[Experiment]:
    """Return every experiment, the oldest first."""
    found = connection.execute(select(experiments).order_by(experiments.c.id)).all()
    return [_experiment_of(connection, row) for row in found]


def _experiment_of(connection: Connection, row: Any) -> Experiment:
    own_arms = select(experiment_arms).where(experiment_arms.c.experiment_id == row.id)
    own_metrics = select(experiment_metrics).where(experiment_metrics.c.experiment_id == row.id)
    return Experiment(
        id=row.id,
        name=row.name,
        kind=cast(Kind, row.kind),
        salt=row.salt,
        status=cast(Status, row.status),
        reason=row.reason,
        promoted_arm=row.promoted_arm,
        created_at=row.created_at,
        ended_at=row.ended_at,
        arms=tuple(
            Variant(id=a.id, name=a.name, share=a.share, value=a.value)
            for a in connection.execute(own_arms.order_by(experiment_arms.c.position))
        ),
        metrics=tuple(
            Metric(name=m.name, role=m.role, better=m.better, margin=m.margin)
            for m in connection.execute(own_metrics.order_by(experiment_metrics.c.id))
        ),
    )


def person_of(experiment: Experiment, user: str) -> str:
    """Return the salted hash by which a user is known in this experiment; the name itself is never stored."""
    return hmac.new(experiment.salt.encode(), user.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def assign(experiment: Experiment, user: str) -> Variant:
    """Return the user's arm: always the same one while the test runs; after its end the control or the promoted arm."""
    if experiment.status == "promoted" and experiment.promoted_arm:
        return experiment.arm(experiment.promoted_arm)
    if experiment.status != "running":
        return experiment.arms[0]
    place = int(person_of(experiment, user)[:13], 16) / 16**13  # 52 bits: exact in a float
    edge = 0.0
    for arm in experiment.arms:
        edge += arm.share
        if place < edge:
            return arm
    return experiment.arms[-1]  # the shares may sum to a hair below 1


def end(connection: Connection, name: str, *, promote: str | None, reason: str, now: float) -> Experiment:
    """Stop an experiment, or end it by promoting an arm to everybody, and keep the reason.

    Raises:
        ConfigError: no such experiment or arm, or no reason.
        ExperimentEndedError: it has ended already.
    """
    experiment = get(connection, name)
    if not reason.strip():
        raise ConfigError("say why: the reason is kept with the result", where="reason")
    if promote is not None:
        experiment.arm(promote)
    status = "stopped" if promote is None else "promoted"
    changed = connection.execute(
        update(experiments)
        .where(experiments.c.id == experiment.id, experiments.c.status == "running")
        .values(status=status, reason=reason, promoted_arm=promote, ended_at=now)
    )
    if changed.rowcount != 1:
        raise ExperimentEndedError(f"{name} was {experiment.status} already", why=experiment.reason)
    detail = {"experiment": name, "arm": promote, "reason": reason}
    record_action(connection, f"ab {'stop' if promote is None else 'promote'}", detail, user_id=None, now=now)
    return get(connection, name)
