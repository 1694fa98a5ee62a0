from __future__ import annotations

import random
from pathlib import Path

from tunesmith.statistics.ab_test import Metric
from tunesmith.store.database import open_database
from tunesmith.store.experiment import experiments, log
from tunesmith.store.experiment.experiments import Variant

ARMS = (Variant(name="plain", share=0.5, value="a"), Variant(name="warm", share=0.5, value="b"))


def test_a_report_from_the_log(tmp_path: Path) -> None:
    draw = random.Random(7)
    database = open_database(str(tmp_path / "x.db"))
    metrics = (Metric(name="vote"), Metric(name="seconds", role="guardrail", better="lower", margin=0.5))
    with database.write() as connection:
        test = experiments.create(connection, "t", kind="prompt", arms=ARMS, metrics=metrics, now=0.0, salt="salt")
        for n in range(500):
            arm = log.expose(connection, test, f"u{n}", now=float(n))
            liked = draw.random() < (0.65 if arm.name == "warm" else 0.4)
            log.record(connection, test, f"u{n}", "vote", float(liked), key=f"v{n}", now=float(n))
            log.record(connection, test, f"u{n}", "seconds", draw.gauss(2.0, 0.5), key=f"s{n}", now=float(n))
        found = log.report(connection, test)
    database.close()
    assert found.recommendation.startswith("Promote warm: vote is better than with plain")
    assert found.shares is not None and not found.shares.alarm and sum(found.shares.people) == 500
    [vote], [seconds] = (result.comparisons for result in found.metrics)
    assert vote.p < 0.05 and seconds.guardrail == "held" and vote.curve[-1].people == 500
