from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.statistics.ab_test import Metric
from tunesmith.store.database import Database, open_database
from tunesmith.store.experiment import experiments, log
from tunesmith.store.experiment.experiments import ExperimentEndedError, Variant, assign

ARMS = (Variant(name="plain", share=0.7, value="Help."), Variant(name="warm", share=0.3, value="Help kindly."))
METRICS = (
    Metric(name="vote"),
    Metric(name="seconds", role="guardrail", better="lower", margin=0.5),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(str(tmp_path / "x.db"))
    with database.write() as connection:
        experiments.create(connection, "greeting", kind="prompt", arms=ARMS, metrics=METRICS, now=1.0, salt="s")
    yield database
    database.close()


def test_assignment_is_sticky_and_keeps_the_shares(database: Database) -> None:
    with database.read() as connection:
        test = experiments.get(connection, "greeting")
    users = [f"user {n}" for n in range(4000)]
    first = [assign(test, user).name for user in users]
    assert first == [assign(test, user).name for user in users]
    assert abs(first.count("warm") / 4000 - 0.3) < 0.03
    assert [a.name for a in test.arms] == ["plain", "warm"] and test.metrics == METRICS


def test_another_salt_is_another_draw(database: Database) -> None:
    with database.write() as connection:
        test = experiments.get(connection, "greeting")
        other = experiments.create(connection, "other", kind="prompt", arms=ARMS, metrics=METRICS, now=1.0, salt="t")
    both = [(assign(test, f"u{n}").name, assign(other, f"u{n}").name) for n in range(4000)]
    assert abs(both.count(("warm", "warm")) / 4000 - 0.09) < 0.02


def test_outcomes_need_an_exposure_and_count_once(database: Database) -> None:
    with database.write() as connection:
        test = experiments.get(connection, "greeting")
        with pytest.raises(DataError, match="never shown"):
            log.record(connection, test, "ann", "vote", 1.0, key="k", now=2.0)
        arm = log.expose(connection, test, "ann", now=2.0, reply_id="r1")
        assert log.expose(connection, test, "ann", now=2.0, reply_id="r1") == arm
        assert log.record(connection, test, "ann", "vote", 1.0, key="k", now=3.0)
        assert not log.record(connection, test, "ann", "vote", 0.0, key="k", now=4.0)
        with pytest.raises(ConfigError, match="Did you mean 'vote'"):
            log.record(connection, test, "ann", "vot", 1.0, key="x", now=3.0)
        assert log.counts(connection, test) == (1, 1, 1)
        stored = connection.exec_driver_sql("SELECT person FROM exposures").scalar_one()
        assert "ann" not in stored and len(stored) == 64


@pytest.mark.parametrize("statement", ["UPDATE exposures SET time = 0", "DELETE FROM outcomes"])
def test_the_logs_only_grow(database: Database, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), database.write() as connection:
        test = experiments.get(connection, "greeting")
        log.expose(connection, test, "ann", now=2.0)
        log.record(connection, test, "ann", "vote", 1.0, key="k", now=3.0)
        connection.exec_driver_sql(statement)


def test_an_end_is_final(database: Database) -> None:
    with database.write() as connection:
        running = experiments.get(connection, "greeting")
        with pytest.raises(ConfigError, match="say why"):
            experiments.end(connection, "greeting", promote=None, reason=" ", now=5.0)
        ended = experiments.end(connection, "greeting", promote="warm", reason="it won", now=5.0)
        assert {assign(ended, f"u{n}").name for n in range(50)} == {"warm"}
        assert log.expose(connection, ended, "new", now=6.0).name == "warm"
        assert log.counts(connection, ended).exposures == 0
        with pytest.raises(ExperimentEndedError, match="promoted"):
            experiments.end(connection, "greeting", promote=None, reason="again", now=6.0)
        with pytest.raises(ExperimentEndedError):
            log.record(connection, ended, "ann", "vote", 1.0, key="k", now=6.0)
        assert running.status == "running"


@pytest.mark.parametrize(
    ("arms", "metrics"),
    [
        (ARMS[:1], METRICS),
        ((ARMS[0], ARMS[0]), METRICS),
        ((ARMS[0], Variant(name="b", share=0.4, value="")), METRICS),
        (ARMS, METRICS[1:]),
        (ARMS, (METRICS[0], Metric(name="other"))),
    ],
)
def test_what_is_no_test_is_refused(database: Database, arms: tuple[Variant, ...], metrics: tuple[Metric, ...]) -> None:
    with database.write() as connection, pytest.raises(ConfigError):
        experiments.create(connection, "new", kind="model", arms=arms, metrics=metrics, now=1.0)
