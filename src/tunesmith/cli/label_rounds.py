"""`label add --calibration | --screening`, `label calibration` and `label screening`: rounds that everybody answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.label_desk import DeskTask, NewTask, again, only_task, opened, task_of, warn_refused
from tunesmith.cli.summary_text import summary_lines
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunesmith.core.records import Record
    from tunesmith.label.calibration import CalibrationReport
    from tunesmith.statistics.rates import Rate


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "calibration")(calibration)
    verb(app, "screening")(screening)


def calibrate(console: Console, new: NewTask, records: Sequence[Record]) -> Outcome:
    """Open a round; the rest of `label add` is in `label_desk.py`."""
    import time

    from tunesmith.label.calibration import open_calibration
    from tunesmith.store.annotation.audit import record_action
    from tunesmith.store.annotation.tasks import find_annotation_task

    with opened(new.db) as database, database.write() as connection:
        # A round goes with the task as it is: what is asked of its items was said when they were added.
        known = find_annotation_task(connection, new.task) if new.task else None
        task = known or task_of(connection, new, now=time.time())
        made = open_calibration(connection, task, records, opened_by=None, now=time.time())
        summary: dict[str, Any] = {"task": task.name, "round": made.round.number, "items": made.items}
        record_action(connection, "calibration round opened", summary, user_id=None, now=time.time())
    warn_refused(console, made.refused)
    summary["refused"] = dict(made.refused)
    return Outcome(summary=summary, lines=summary_lines(summary), next_command=again("serve", new.db))


def screen(console: Console, new: NewTask, records: Sequence[Record]) -> Outcome:
    """Make a screening; the rest of `label add` is in `label_desk.py`."""
    import time

    from tunesmith.label.screening import open_screening
    from tunesmith.store.annotation.audit import record_action
    from tunesmith.store.annotation.tasks import add_annotation_task

    name = new.task or "screening"
    with opened(new.db) as database, database.write() as connection:
        task = add_annotation_task(connection, name, kind="screening", overlap=1, seed=new.seed, now=time.time())
        made = open_screening(connection, task, records, now=time.time())
        summary: dict[str, Any] = {"task": task.name, "items": made.items}
        record_action(connection, "screening made", summary, user_id=None, now=time.time())
    warn_refused(console, made.refused)
    summary["refused"] = dict(made.refused)
    return Outcome(summary=summary, lines=summary_lines(summary), next_command=again("serve", new.db))


def screening(
    console: Console,
    desk: DeskTask,
    names: Annotated[bool, typer.Option("--names", help="Say who each candidate is.")] = False,
) -> Outcome:
    """Say how candidates did in the four tests of a screening; approving them is done on its page."""
    from tunesmith.label.screening import CUTOFFS, screening_report

    with opened(desk.db, must_exist=True) as database, database.read() as connection:
        task = only_task(connection, desk.task, ("screening",))
        report = screening_report(connection, task)
    summary = {
        "task": task.name,
        "cutoffs": dict(CUTOFFS),
        "candidates": {
            f"{one.alias} {one.user.name}" if names else one.alias: {
                "done": one.done,
                "of": one.of,
                "finished": one.finished,
                "flagging": _json(one.flagging),
                "ranking": _json(one.ranking),
                "writing": _json(one.writing),
                "topics": list(one.topics),
                "passes": one.passes,
                "approved": None if one.verdict is None else one.verdict.approved,
            }
            for one in report.candidates
        },
        "covered": dict(report.covered),
    }
    return Outcome(summary=summary, lines=summary_lines(summary))


def calibration(
    console: Console,
    desk: DeskTask,
    round_number: Annotated[
        int | None, typer.Option("--round", help="Which round; the newest without it.", min=1, show_default=False)
    ] = None,
) -> Outcome:
    """Say who has finished a calibration round, and how far labelers agree with the lead and with each other."""
    from tunesmith.label.calibration import calibration_report
    from tunesmith.store.annotation.rounds import list_rounds

    with opened(desk.db, must_exist=True) as database, database.read() as connection:
        task = only_task(connection, desk.task, ("rank", "pair"))
        known = list_rounds(connection, task.id)
        chosen = [one for one in known if round_number in (None, one.number)][:1]
        if not chosen:
            numbers = ", ".join(str(one.number) for one in known) or "none"
            raise ConfigError(
                "there is no such round" if known else "no round was opened",
                where="--round" if known else f"--task {task.name}",
                why=f"rounds there are: {numbers}",
                remedy="open one with `tunesmith label add FILE --calibration`",
            )
        report = calibration_report(connection, task, chosen[0])
    summary = {"task": task.name, **_summary(report)}
    return Outcome(summary=summary, lines=summary_lines(summary))


def _summary(report: CalibrationReport) -> dict[str, Any]:
    return {
        "round": report.round.number,
        "guideline": report.round.version,
        "items": report.n_items,
        "finished": report.finished,
        "with_gold": _json(report.with_gold),
        "pairwise": _json(report.pairwise),
        "order_alpha": _json(report.order_alpha),
        "labelers": {
            one.labeler: {
                "done": one.done,
                "finished": one.finished_at is not None,
                "with_gold": _json(one.with_gold),
                "with_others": _json(one.with_others),
            }
            for one in report.labelers
        },
    }


def _json(rate: Rate | None) -> dict[str, float | int] | None:
    return None if rate is None else rate.to_json()
