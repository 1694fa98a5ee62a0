from __future__ import annotations

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Completion, Ranking
from tunesmith.desk import demonstrations, labelers
from tunesmith.label.agreement import agreement_report
from tunesmith.label.rehearsal import rehearse
from tunesmith.store.annotation.progress import progress

from .scene import Scene


def test_simulated_labelers_do_all_the_work_and_no_more(scene: Scene) -> None:
    shown = demonstrations(8, seed=3, split="train")
    records = [
        Ranking(
            messages=one.prompt,
            completions=tuple(
                Completion(id=str(n), text=text)
                for n, text in enumerate((one.completion, "No.", "What a stupid question."))
            ),
            rankings=(),
            meta=one.meta,
        )
        for one in shown
    ]
    task = scene.task(*records, overlap=2)
    made = rehearse(scene.database, task, labelers(heldout=False)[:3], seed=1, now=scene.now)
    assert sum(made.values()) == 16 and len(made) == 3
    assert rehearse(scene.database, task, labelers(heldout=False)[:3], seed=1, now=scene.now) == dict.fromkeys(made, 0)
    with scene.database.read() as connection:
        assert progress(connection, task.id)[:4] == (8, 8, 16, 16)
        report = agreement_report(connection, task)
    assert report.pairwise is not None and report.pairwise.value > 0.6
    assert report.rating_alpha is not None and len(report.labelers) == 3


def test_they_only_rank(scene: Scene) -> None:
    with pytest.raises(DataError, match="only rank"):
        rehearse(scene.database, scene.task(kind="write"), labelers(heldout=False), seed=0, now=scene.now)
