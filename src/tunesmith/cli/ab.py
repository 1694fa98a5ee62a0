"""`tunesmith ab create | status | record | stop | promote | report`; `ab offline` is in `ab_offline.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli import ab_offline
from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError

if TYPE_CHECKING:
    from tunesmith.statistics.ab_test import Metric
    from tunesmith.store.database import Database
    from tunesmith.store.experiment.experiments import Experiment, Variant

Name = Annotated[str, typer.Argument(help="The experiment's name.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the result.")]


@dataclass(frozen=True, slots=True)
class Where:
    """Where experiments are kept."""

    db: Annotated[str, typer.Option(help="The database: a file, sqlite:///FILE or postgresql://...")] = "tunesmith.db"


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured."""

    metric: Annotated[str, typer.Option(help="The primary metric, by which the test is decided.")] = "vote"
    better: Annotated[str, typer.Option(help="Which is better: higher or lower.")] = "higher"
    guardrail: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME:higher|lower:MARGIN, what must not get worse by more than MARGIN. Repeatable.",
            show_default=False,
        ),
    ] = None

    def metrics(self) -> list[Metric]:
        """Return the metrics, the primary one first.

        Raises:
            ConfigError: a guardrail is not written as it must be.
        """
        from tunesmith.statistics.ab_test import Metric

        found = [Metric(name=self.metric, better=ab_offline.direction(self.better))]
        for text in self.guardrail or []:
            name, _, rest = text.partition(":")
            better, _, margin = rest.partition(":")
            try:
                tolerated = float(margin)
            except ValueError as error:
                raise ConfigError(f"{text!r} is not NAME:lower:MARGIN", where="--guardrail") from error
            found.append(Metric(name=name, better=ab_offline.direction(better), role="guardrail", margin=tolerated))
        return found


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "create")(create)
    verb(app, "status")(status)
    verb(app, "record")(record)
    verb(app, "stop")(stop)
    verb(app, "promote")(promote)
    verb(app, "report")(report)
    ab_offline.register(app)


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    from tunesmith.store.database import open_database

    database = open_database(url)
    try:
        yield database
    finally:
        database.close()


def create(
    console: Console,
    where: Where,
    measured: Measured,
    name: Name,
    arm: Annotated[list[str], typer.Option(help="NAME=WHAT, the control first: a system prompt, @FILE, or a model.")],
    share: Annotated[
        list[float] | None, typer.Option(help="Each arm's share, in order; equal without it.", show_default=False)
    ] = None,
    kind: Annotated[str, typer.Option(help="What the arms are: prompt or model.")] = "prompt",
) -> Outcome:
    """Begin a test of two or more prompts or models. Its arms, shares and primary metric do not change afterwards."""
    from tunesmith.store.experiment import experiments

    if kind not in ("prompt", "model"):
        raise ConfigError(f"unknown kind {kind!r}", where="--kind", remedy="use prompt or model")
    variants = _variants(arm, share)
    with _opened(where.db) as database, database.write() as connection:
        made = experiments.create(
            connection,
            name,
            kind="prompt" if kind == "prompt" else "model",
            arms=variants,
            metrics=measured.metrics(),
            now=time.time(),
        )
    return Outcome(
        summary=_summary(made),
        lines=[
            f"{name}: {', '.join(f'{a.name} {100 * a.share:.4g} %' for a in made.arms)}, decided by {measured.metric}"
        ],
        next_command=f"tunesmith ab status {name}",
    )


def _variants(arms: list[str], shares: list[float] | None) -> list[Variant]:
    from tunesmith.store.experiment.experiments import Variant

    if shares and len(shares) != len(arms):
        raise ConfigError(f"{len(shares)} shares for {len(arms)} arms", where="--share")
    found = []
    for index, text in enumerate(arms):
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"{text!r} is not NAME=WHAT", where="--arm")
        if value.startswith("@"):
            try:
                value = Path(value[1:]).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError("cannot be read", where=value[1:], why=str(error)) from error
        found.append(Variant(name=name, share=shares[index] if shares else 1 / len(arms), value=value))
    return found


def status(
    console: Console,
    where: Where,
    name: Annotated[str | None, typer.Argument(help="The experiment's name; all of them without it.")] = None,
) -> Outcome:
    """Say how far experiments are: people, outcomes, and why one ended."""
    from tunesmith.store.experiment import experiments, log

    with _opened(where.db) as database, database.read() as connection:
        found = [experiments.get(connection, name)] if name else experiments.list_experiments(connection)
        rows = [{**_summary(one), **log.counts(connection, one)._asdict()} for one in found]
    lines = [
        f"{row['name']}: {row['status']}, {row['people']:,} people, {row['outcomes']:,} outcomes"
        + (f" ({row['reason']})" if row["reason"] else "")
        for row in rows
    ]
    return Outcome(summary={"experiments": rows}, lines=lines or ["no experiments yet"])


def record(
    console: Console,
    where: Where,
    name: Name,
    user: Annotated[str, typer.Option(help="Who; kept as a salted hash only.")],
    metric: Annotated[str, typer.Option(help="Which metric.")] = "vote",
    value: Annotated[
        float | None, typer.Option(help="The outcome; without it only the exposure is logged.", show_default=False)
    ] = None,
    key: Annotated[str | None, typer.Option(help="The same key again is stored once.", show_default=False)] = None,
) -> Outcome:
    """Log that somebody was shown their arm, and what came of it; answers with the arm."""
    import secrets

    from tunesmith.store.experiment import experiments, log

    now = time.time()
    stored = False
    with _opened(where.db) as database, database.write() as connection:
        found = experiments.get(connection, name)
        reply = f"ab-record {key}" if key else None
        arm = log.expose(connection, found, user, now=now, reply_id=reply)
        if value is not None:
            stored = log.record(connection, found, user, metric, value, key=key or secrets.token_hex(16), now=now)
    summary = {"arm": arm.name, "value": arm.value, "stored": stored}
    return Outcome(summary=summary, lines=[f"{user}: {arm.name}" + (f", {metric} {value:g}" if stored else "")])


def stop(console: Console, where: Where, name: Name, reason: Reason) -> Outcome:
    """End a test without a winner: everybody gets the control again."""
    return _end(where, name, None, reason)


def promote(
    console: Console,
    where: Where,
    name: Name,
    arm: Annotated[str, typer.Argument(help="The arm that everybody gets from now on.")],
    reason: Reason,
) -> Outcome:
    """End a test and give everybody one arm."""
    return _end(where, name, arm, reason)


def _end(where: Where, name: str, arm: str | None, reason: str) -> Outcome:
    from tunesmith.store.experiment import experiments

    with _opened(where.db) as database, database.write() as connection:
        ended = experiments.end(connection, name, promote=arm, reason=reason, now=time.time())
    return Outcome(
        summary=_summary(ended),
        lines=[f"{name}: {ended.status}, everybody gets {arm or ended.arms[0].name} ({reason})"],
        next_command=f"tunesmith ab report {name}",
    )


def report(
    console: Console,
    where: Where,
    name: Name,
    out: Annotated[Path | None, typer.Option(help="Write the page here.", show_default=False)] = None,
) -> Outcome:
    """Say what a test shows so far: valid however often one looks."""
    from tunesmith.store.experiment import experiments, log

    with _opened(where.db) as database, database.read() as connection:
        found = log.report(connection, experiments.get(connection, name))
    return ab_offline.reported(console, found, out)


def _summary(experiment: Experiment) -> dict[str, object]:
    return {
        "name": experiment.name,
        "kind": experiment.kind,
        "status": experiment.status,
        "reason": experiment.reason,
        "promoted_arm": experiment.promoted_arm,
        "arms": [{"name": arm.name, "share": arm.share, "value": arm.value} for arm in experiment.arms],
        "metrics": [metric.name for metric in experiment.metrics],
    }
