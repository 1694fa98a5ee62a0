"""What the page of an annotation task shows: progress and pace, agreement, skips, settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from tunesmith.label.agreement import AgreementReport
from tunesmith.label.agreement_cache import AgreementCache
from tunesmith.label.charts import agreement_course, hour_bars, rate_dots, unit_name
from tunesmith.statistics.rates import Rate
from tunesmith.store.annotation.progress import HOUR, HourCount, Progress, labels_per_hour, progress, skips
from tunesmith.store.annotation.rounds import finishes, list_rounds
from tunesmith.store.annotation.tasks import MOST_OVERLAP, AnnotationTask, current_guideline, guideline_history

SPAN_HOURS = 48


def task_page(connection: Connection, task: AnnotationTask, agreement: AgreementCache, *, now: float) -> dict[str, Any]:
    """Return the values of the template."""
    done = progress(connection, task.id)
    hours = labels_per_hour(connection, task.id, since=now - SPAN_HOURS * HOUR)
    report, seconds_old = agreement.report(connection, task)
    return {
        "task": task,
        "progress": done,
        "share": done.labels / done.wanted if done.wanted else 0.0,
        "hours_left": hours_left(done, hours),
        "hour_chart": hour_bars(hours, now=now, span=SPAN_HOURS) if hours else None,
        "report": report,
        "seconds_old": seconds_old,
        "agreement_chart": _labeler_chart(report),
        "course_chart": _course_chart(connection, task, report),
        "unit_name": unit_name,
        "skips": skips(connection, task.id),
        "guideline": current_guideline(connection, task.id),
        "rounds": [(one, len(finishes(connection, one.id))) for one in list_rounds(connection, task.id)],
        "most_overlap": MOST_OVERLAP,
    }


def hours_left(done: Progress, hours: Sequence[HourCount]) -> float | None:
    """Return how many hours like the recent ones with any work in them the missing labels take; None without any."""
    made = sum(hour.labels for hour in hours)
    return (done.wanted - done.labels) * len(hours) / made if made else None


def _course_chart(connection: Connection, task: AnnotationTask, report: AgreementReport) -> Any:
    if not report.course.periods:
        return None
    return agreement_course(report.course, guideline_history(connection, task.id))


def _labeler_chart(report: AgreementReport) -> Any:
    rows: list[tuple[str, Rate]] = [(one.labeler, one.with_others) for one in report.labelers if one.with_others]
    if not rows:
        return None
    label = "Pairwise agreement of each labeler with the others, with 95 % intervals"
    return rate_dots(rows, low=0.0, high=1.0, middle=0.5, label=label)
