"""Job books and inspections: every kind of job can be done, asked in many ways, and got wrong."""

from __future__ import annotations

import json
import re

import pytest

from tunesmith.desk.documents import inspections
from tunesmith.desk.documents.copies import collation
from tunesmith.desk.documents.inspections import inspected, spoilt
from tunesmith.desk.documents.job_kinds import KINDS, Job
from tunesmith.desk.documents.jobs import LAYOUTS, asked, job_book
from tunesmith.desk.documents.scribe import Scribe


def jobs(kind: str, n: int = 60) -> list[Job]:
    scribe = Scribe(f"jobs/{kind}")
    return [KINDS[kind][1](scribe) for _ in range(n)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_job_varies_and_leaves_no_slot_open(kind: str) -> None:
    drawn = jobs(kind)
    assert len({(j.request, j.text) for j in drawn}) > 40
    for job in drawn:
        whole = f"{job.request}\n{job.text}\n{job.result}"
        assert job.request.strip() and job.result.strip()
        assert not re.search(r"\$[a-z]|[{}]", whole if kind != "converted" else job.request)


def test_what_is_read_from_a_text_stands_in_it() -> None:
    assert all(job.result in job.text for job in jobs("field"))
    for job in jobs("fields"):
        fields = dict(line.split(": ", 1) for line in job.result.split("\n"))
        blanks = {"not given", "missing", "unknown"}
        assert all(value in job.text or value in blanks for value in fields.values())
        assert any(value in job.text for value in fields.values()) or "'" in job.request
    for job in jobs("actions"):
        assert (
            "o action" in job.result
            or job.result == "No tasks."
            or all(line[2:].split(": ", 1)[1] in job.text for line in job.result.split("\n"))
        )
    for job in jobs("converted"):
        if job.result.startswith("{"):
            assert all(str(key) in job.text for key in json.loads(job.result))


def test_a_label_is_one_of_those_offered_or_other_when_asked_for() -> None:
    assert all(job.result in job.request for job in jobs("labelled"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_spoilt_result_is_another_one(kind: str) -> None:
    scribe = Scribe("spoilt")
    assert all(spoilt(scribe, kind, job) not in ("", job.result) for job in jobs(kind))


def test_marks_are_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result marked wrong is the one that was spoilt; about half are right; a correction is the right result."""
    monkeypatch.setattr(inspections, "spoilt", lambda s, kind, job: "SPOILT")
    scribe, bad, good = Scribe("marks"), 0, 0
    for _ in range(80):
        page = inspected(scribe).text.split("\n\n", 1)[1]
        marks = [r for row in inspections.phrases("inspections.marks") for r in row[:1] if f"\n{r}" in page]
        wrong = [row[1] for row in inspections.phrases("inspections.marks") if f"\n{row[1]}" in page]
        good += sum(page.count(f"\n{mark}") for mark in set(marks))
        found = [re.findall(rf"SPOILT\n{re.escape(mark)}", page) for mark in wrong]
        assert sum(map(len, found)) == page.count("SPOILT")
        bad += page.count("SPOILT")
    assert 0.4 < bad / (bad + good) < 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_marks_behind_values_are_true(kind: str) -> None:
    """Without a wrong mark the text is the job's result; with one it is not, and only the marked values differ."""
    scribe, right, wrong = Scribe("ticks"), "<R>", "<W>"
    for job in jobs(kind):
        said = inspections._ticked(scribe, kind, job, right, wrong)
        plain = said.replace(right, "").replace(wrong, "")
        assert right in said or wrong in said
        assert (plain == job.result) == (wrong not in said)
        if wrong in said and right in said:
            assert all(part.split(wrong)[-1] in job.result for part in said.split(right)[:-1])


def test_every_second_page_of_proof_or_so_has_wrong_values() -> None:
    scribe = Scribe("proof")
    pages = [inspections.proof(scribe).text for _ in range(100)]
    marks = [row[1] for row in inspections.phrases("inspections.ticks")]
    assert len(set(pages)) == 100
    assert 50 < sum(any(f"{mark}\n" in page or f"{mark} " in page for mark in marks) for page in pages) <= 100


def test_a_wrong_value_may_be_one_that_the_text_names_for_something_else() -> None:
    scribe = Scribe("named")
    job = Job("the town", "Ada Hill wrote from Dover about Leeds.", "Dover")
    others = {
        inspections._other_value(scribe, next(inspections._values().finditer(job.result)), job) for _ in range(99)
    }
    assert "Leeds" in others and len(others) > 3


def test_a_collation_marks_every_pair_truly_and_half_of_them_differ() -> None:
    scribe, counts = Scribe("collation"), {True: 0, False: 0}
    marks = {
        mark: same
        for row in inspections.phrases("copies.verdicts")
        for mark, same in zip(row, (True, False), strict=True)
    }
    for _ in range(200):
        for line in collation(scribe).text.split("\n"):
            if " / " in line:
                pair, mark = line.rsplit(": ", 1)
                one, other = pair.split(" / ")
                assert (one == other) == marks[mark], line
                counts[marks[mark]] += 1
    assert 0.4 < counts[True] / sum(counts.values()) < 0.6 and sum(counts.values()) > 400


def test_pages_hold_jobs_of_several_kinds_asked_before_or_after_their_text() -> None:
    scribe = Scribe("pages")
    assert len({job_book(scribe).text for _ in range(50)}) == 50
    job, layout = Job("find the city", "I live in Leeds.", "Leeds"), LAYOUTS[0]
    said = {asked(scribe, job, layout) for _ in range(60)}
    assert len(said) > 20
    assert {s.index("Leeds") < s.lower().index("request") for s in said if "request" in s.lower()} == {True, False}
