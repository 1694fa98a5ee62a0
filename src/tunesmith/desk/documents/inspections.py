"""Pages of a job book that somebody has gone through: each result is marked, or every value in it.

Whether a mark is right can only be known by holding the result against the request and its text, so these teach a model
to check an answer after it was given, which is what a reward model has to do. A mark behind every value says where to
look, and says it several times a job: much more is to be learned from a page than from one mark a result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from tunesmith.desk import framing
from tunesmith.desk.documents.job_kinds import KINDS, Job
from tunesmith.desk.documents.jobs import LAYOUTS, asked, draw_job, page_of
from tunesmith.desk.documents.scribe import Scribe, Written, phrases
from tunesmith.desk.world import table

_RIGHT = 0.5  # share of results that are right
_VALUE_RIGHT = 0.65  # the same for values, of which a result has several
_NAMED = 0.4  # how often a wrong value is one that the text names for something else
_TRIES = 8


def inspected(s: Scribe) -> Written:
    """Write a page of marked jobs."""
    layout = s.rng.choice(LAYOUTS).signed(*s.rng.sample(s.world.agents, 2))
    right, wrong, repair = s.rng.choice(phrases("inspections.marks"))

    def entry() -> str:
        kind, job = draw_job(s, list(KINDS))
        result, mark = job.result, right
        if not s.chance(_RIGHT):
            result = spoilt(s, kind, job)
            mark = wrong + (f"\n{repair}{job.result}" if s.chance(0.4) else "")
        return f"{asked(s, job, layout)}\n{layout.result}{result}\n{mark}"

    entries = page_of(s, entry)
    return Written("\n\n".join([s.phrase("inspections.titles", n=s.rng.randint(1, 99)), *entries]))


def proof(s: Scribe) -> Written:
    """Write a page of jobs with a mark behind each value of each result, or behind the wrong ones only."""
    layout = s.rng.choice(LAYOUTS).signed(*s.rng.sample(s.world.agents, 2))
    right, wrong = s.rng.choice(phrases("inspections.ticks"))

    def entry() -> str:
        kind, job = draw_job(s, list(KINDS))
        return f"{asked(s, job, layout)}\n{layout.result}{_ticked(s, kind, job, right, wrong)}"

    return Written("\n\n".join([s.phrase("inspections.titles", n=s.rng.randint(1, 99)), *page_of(s, entry)]))


def _ticked(s: Scribe, kind: str, job: Job, right: str, wrong: str) -> str:
    """Return the result with marked values, some of them wrong; one without values is marked as a whole."""
    found = [m for m in _values().finditer(job.result) if not _numbers_a_line(m)]
    if not found:
        return job.result + right if s.chance(_RIGHT) else spoilt(s, kind, job) + wrong
    parts, end = [], 0
    for match in found:
        value = match.group() if s.chance(_VALUE_RIGHT) else _other_value(s, match, job)
        parts += [job.result[end : match.start()], value, right if value == match.group() else wrong]
        end = match.end()
    return "".join(parts) + job.result[end:]


def _numbers_a_line(match: re.Match[str]) -> bool:
    return match.string[match.end() : match.end() + 1] in {".", ")"} and match.string[: match.start()][-1:] in {
        "",
        "\n",
    }


def _other_value(s: Scribe, match: re.Match[str], job: Job) -> str:
    """Return another value of the same kind, where possible one that the text names for something else."""
    kind = str(match.lastgroup)
    named = [m.group() for m in _values().finditer(job.text) if m.lastgroup == kind and m.group() != match.group()]
    if named and s.chance(_NAMED):
        return s.rng.choice(named)
    return _OTHER[kind](s)


def spoilt(s: Scribe, kind: str, job: Job) -> str:
    """Return a wrong result that looks like a right one: another value, part of it, or the answer to something else."""
    for _ in range(_TRIES):
        draw = s.rng.random()
        if draw < 0.55:
            result = _swapped(s, job)
        elif draw < 0.7:
            result = KINDS[kind][1](s).result
        elif draw < 0.76:
            result = draw_job(s, list(KINDS))[1].result
        elif draw < 0.9:
            result = _shortened_or_repeated(s, job.result)
        else:
            result = framing.typos(s.rng, job.result, 0.2)
        if result.strip() and result != job.result:
            return result
    return s.phrase("exchanges.useless")


def _swapped(s: Scribe, job: Job) -> str:
    """Return the result with one name, number, place or colour replaced by another of its kind."""
    found = list(_values().finditer(job.result))
    if not found:
        return job.result
    match = s.rng.choice(found)
    return f"{job.result[: match.start()]}{_other_value(s, match, job)}{job.result[match.end() :]}"


def _shortened_or_repeated(s: Scribe, text: str) -> str:
    """Return the text without one of its lines or words, or with one line twice."""
    lines = text.split("\n")
    if len(lines) > 1:
        at = s.rng.randrange(len(lines))
        return "\n".join(lines[:at] + ([lines[at]] * 2 if s.chance(0.3) else []) + lines[at + 1 :])
    words = text.split(" ")
    return " ".join(words[: s.rng.randint(1, len(words))]) if len(words) > 2 else f"{text} {text}"


# How another value of each kind is drawn; whole names, so that no name of the test split is put together.
_OTHER: Mapping[str, Callable[[Scribe], str]] = {
    "product": lambda s: s.product().name,
    "person": lambda s: s.world.person(s.rng).name,
    "order": lambda s: str(s.world.number(s.rng)),
    "city": lambda s: s.rng.choice(s.world.cities),
    "colour": lambda s: s.rng.choice(s.world.colours),
    "weekday": lambda s: s.rng.choice(s.world.weekdays),
    "month": lambda s: s.rng.choice(s.world.months),
    "carrier": lambda s: s.rng.choice(s.world.carriers),
    "first": lambda s: s.rng.choice(table("world")["first"]),
    "series": lambda s: s.product().series,
    "kind": lambda s: s.product().kind,
    "number": lambda s: str(s.rng.randint(2, 99)),
}


@cache
def _values() -> re.Pattern[str]:
    """Return the pattern whose groups are the keys of `_OTHER`; longer names come before their parts."""
    world = table("world")

    def one_of(*names: str) -> str:
        return "|".join(sorted((re.escape(n) for name in names for n in world[name]), key=len, reverse=True))

    series, kinds, first, last = one_of("series"), one_of("kinds"), one_of("first"), one_of("last")
    groups = {
        "product": f"(?:{series}) (?:{kinds})",
        "person": f"(?:{first}) (?:{last})",
        "order": r"\d{4}",
        "city": one_of("cities"),
        "colour": one_of("colours"),
        "weekday": one_of("weekdays"),
        "month": one_of("months"),
        "carrier": one_of("carriers"),
        "first": one_of("first", "agents"),
        "series": series,
        "kind": kinds,
        "number": r"\d{1,3}",
    }
    return re.compile("|".join(rf"(?P<{name}>\b(?:{pattern})\b)" for name, pattern in groups.items()))
