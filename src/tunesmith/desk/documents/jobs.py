"""A clerk's job book: what was asked, the text it was about, and what came of it.

The other papers practise one skill each, so a reader knows from the first line what comes next. Here jobs of different
kinds follow each other, and only the words of the request say which skill is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tunesmith.desk import framing
from tunesmith.desk.documents.job_kinds import KINDS, Job
from tunesmith.desk.documents.scribe import Scribe, Written
from tunesmith.desk.tickets import small_talk

_SHORTEST, _LONGEST = 260, 700  # characters of the jobs of one book page

_ASKING = ("what", "how", "which", "who", "is ")
_NOT_TOLD = (*_ASKING, "only", "just", "from", "this", "the ", "there", "in ", "it ", "a form", "no ", "somebody")


class Layout(NamedTuple):
    """The words before a request, before its text and before the result."""

    request: str
    text: str
    result: str
    joint: str  # between request and text

    def signed(self, boss: str, clerk: str) -> Layout:
        """Return the layout with the names of the two people who write."""
        return Layout(*(part.replace("$boss", boss).replace("$clerk", clerk) for part in self))


LAYOUTS = (
    Layout("Request: ", "Text: ", "Result: ", "\n"),
    Layout("Job: ", "", "Done: ", "\n"),
    Layout("", "", "-> ", "\n"),
    Layout("* ", "", "= ", " "),
    Layout("$boss: ", "", "$clerk: ", " "),
    Layout("$boss: ", "", "$clerk: ", "\n"),
    Layout("Asked: ", "About: ", "Answered: ", "\n"),
    Layout("", "", "", "\n"),
    Layout("[$boss] ", "", "[$clerk] ", " "),
    Layout("In: ", "", "Out: ", " "),
)


def job_book(s: Scribe) -> Written:
    """Write a page of jobs of mixed kinds, or of two kinds that need telling apart."""
    layout = s.rng.choice(LAYOUTS).signed(*s.rng.sample(s.world.agents, 2))
    kinds = list(KINDS) if s.chance(0.8) else s.rng.sample(list(KINDS), 2)

    def entry() -> str:
        _, job = draw_job(s, kinds)
        return f"{asked(s, job, layout)}\n{layout.result}{job.result}"

    entries = page_of(s, entry)
    title = s.phrase("jobs.titles", n=s.rng.randint(1, 99), day=s.world.day(s.rng))
    return Written("\n\n".join([title, *entries] if title else entries))


def page_of(s: Scribe, entry: Callable[[], str]) -> list[str]:
    """Return so many entries that they have a drawn length in characters together."""
    entries: list[str] = []
    wanted = s.rng.randint(_SHORTEST, _LONGEST)
    while sum(map(len, entries)) < wanted:
        entries.append(entry())
    return entries


def draw_job(s: Scribe, kinds: list[str]) -> tuple[str, Job]:
    """Draw a job of one of these kinds, and say of which."""
    kind = s.rng.choices(kinds, [KINDS[kind][0] for kind in kinds])[0]
    return kind, KINDS[kind][1](s)


def asked(s: Scribe, job: Job, layout: Layout) -> str:
    """Return the request with its text before or after it, as people ask: with leads, thanks, slips and chatter."""
    said = job.request if job.finished else _spoken(s, job.request)
    if s.chance(0.12):
        said = framing.typos(s.rng, said, 0.25)
    if not job.text:
        return f"{layout.request}{said}{s.phrase('jobs.thanks')}"
    text = job.text
    if job.chatty and s.chance(0.25):
        text = f"{small_talk(s, s.world)} {text}" if s.chance(0.5) else f"{text} {small_talk(s, s.world)}"
    if s.chance(0.15):
        text = f'"{text}"'
    if s.chance(0.2):
        return f"{layout.text}{text}\n{layout.request}{said}"
    if said.endswith(".") and s.chance(0.5):
        said = said[:-1] + ":"
    joint = "\n" if "\n" in text else layout.joint
    return f"{layout.request}{said}{joint}{layout.text}{text}"


def _spoken(s: Scribe, request: str) -> str:
    """Return the request as a sentence."""
    told = not request.startswith(_NOT_TOLD)
    lead = s.phrase("jobs.leads", name=s.world.person(s.rng).first) + (s.phrase("jobs.polite") if told else "")
    return s.sentence(lead + request, "?" if request.startswith(_ASKING) or lead.endswith("d you ") else ".")
