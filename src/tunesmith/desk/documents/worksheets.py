"""Before-and-after sheets: punctuation and case, typing errors, manners, synonyms, and manners of speaking."""

from __future__ import annotations

import re
from collections.abc import Callable

from tunesmith.desk import framing
from tunesmith.desk.documents.cases import draw_case
from tunesmith.desk.documents.exchanges import MAKERS
from tunesmith.desk.documents.scribe import Scribe, Written, capital, lowered, phrases
from tunesmith.desk.tickets import ticket
from tunesmith.desk.world import reserved, table

Pair = tuple[str, str]  # a line before and after

_PADDING = (
    "{As I have said many times|To be quite honest with you|If I may say so}, $t",
    "{I just wanted to let you know that|It should be noted that|I am writing to say that} $t",
    "{It is a fact that|What I mean is that|The thing is that} $t",
    "$t {, as everyone knows|, in my humble opinion|, at the end of the day}.",
)


def _line(s: Scribe) -> str:
    """Draw a sentence or two of the desk's everyday business, well written."""
    kind = s.rng.random()
    if kind < 0.2:
        t = ticket(s, s.world)
        return f"{t.issue} {t.wish}" if s.chance(0.5) else t.issue
    if kind < 0.4:
        case = draw_case(s)
        text = f"{s.say('{Hi|Hello|Dear} $a, ', a=case.agent)}{case.complaint}."
        return f"{text} {capital(case.answer)}." if s.chance(0.3) else capital(text)
    if kind < 0.55:
        return s.stated(s.some_policies(1)[0])
    if kind < 0.7:
        person, p = s.world.person(s.rng), s.product()
        return s.say(
            "$f {lives in $c|comes from $c} and {bought|ordered|likes} the $p{| on $d}.",
            f=s.rng.choice((person.name, person.first)),
            c=person.city,
            p=p.name,
            d=s.rng.choice(s.world.weekdays),
        )
    e = s.rng.choice(MAKERS)(s)
    return f"{e.question} {e.answer}" if s.chance(0.3) else e.question


def bare(text: str) -> str:
    """Return the text as it is typed in a hurry: lower case, no punctuation."""
    return re.sub(r"[.,!?;:'\"]", "", text).lower()


def _pairs(s: Scribe, pair: Callable[[Scribe], Pair], *, least: int, most: int) -> str:
    """Write before-and-after pairs in one drawn layout until they have a drawn length in characters."""
    first, second = s.rng.choice(phrases("worksheets.marks"))
    arrow = s.rng.choice(phrases("worksheets.arrows"))
    numbered, inline = s.chance(0.3), s.chance(0.3)
    blocks: list[str] = []
    length, wanted = 0, s.rng.randint(least, most)
    while length < wanted:
        before, after = pair(s)
        number = f"{len(blocks) + 1}. " if numbered else ""
        blocks.append(f"{number}{before}{arrow}{after}" if inline else f"{number}{first}: {before}\n{second}: {after}")
        length += len(blocks[-1])
    return "\n".join(blocks)


def _sheet(s: Scribe, kind: str, pair: Callable[[Scribe], Pair], **slots: object) -> Written:
    body = _pairs(s, pair, least=220, most=620)
    if s.chance(0.25):
        return Written(body)
    return Written(f"{s.any_of(phrases('worksheets.heads')[kind], n=s.rng.randint(1, 60), **slots)}\n{body}")


def marks(s: Scribe) -> Pair:
    """Draw a hurried line and the same line with capitals and punctuation."""
    line = _line(s)
    return bare(line), line


def slips(s: Scribe) -> Pair:
    """Draw a line with typing errors and the same line without."""
    line = _line(s)
    return framing.typos(s.rng, line, 0.35), line


def manners(s: Scribe) -> Pair:
    """Draw a rude sentence and a kind one that wants the same."""
    if s.chance(0.4):
        row, name = s.rng.choice(table("tickets")["rude"]), s.product().name
        return s.sentence(row["rude"], "!", p=name), s.say(row["polite"], p=name)
    rude, kind = s.rng.choice(phrases("worksheets.manners"))
    slots = {"thing": s.thing().kind, "n": s.world.number(s.rng)}
    insult = s.phrase("worksheets.insults")
    before = s.say(rude, **slots) + (f", {insult}" if insult else "")
    if s.chance(0.25):
        before = before.upper()
    said = s.say(kind, **slots)
    after = capital(said) + ("?" if said.startswith(("could", "can", "would", "may")) else ".")
    return capital(before) + s.rng.choice(("!", "!!", ".")), f"{after} {s.phrase('worksheets.courtesies')}".strip()


def plain_words(s: Scribe) -> Pair:
    """Draw a policy question in rare words and the same in plain ones."""
    while True:
        (rule,) = s.some_policies(1)
        plain = s.asked(rule)
        rare = capital(framing.synonyms(s, lowered(plain)))
        if rare != plain and not reserved(rare):
            return rare, plain + (f" {s.stated(rule)}" if s.chance(0.4) else "")


def voiced(s: Scribe, who: framing.Persona) -> Pair:
    """Draw a plain answer and the same answer as a pirate, a robot or another figure would say it."""
    said = s.stated(s.some_policies(1)[0]) if s.chance(0.7) else _line(s)
    return said, framing.in_persona(s, who, said)


def trimmed(s: Scribe) -> Pair:
    """Draw a wordy sentence and what is left when the padding goes."""
    case = draw_case(s)
    (rule,) = s.some_policies(1)
    plain = (s.one_of(*rule.statements, v=rule.value), case.complaint, ticket(s, s.world).issue.rstrip("."))
    line = capital(s.rng.choice(plain)) + "."
    long = s.any_of(_PADDING, t=lowered(line).rstrip(".")).replace(" ,", ",").rstrip(".")
    return capital(long) + ".", line


def marks_sheet(s: Scribe) -> Written:
    """Write hurried lines and the same lines with capitals and punctuation."""
    return _sheet(s, "marks", marks)


def typos_sheet(s: Scribe) -> Written:
    """Write lines with typing errors and the same lines without."""
    return _sheet(s, "typos", slips)


def manners_sheet(s: Scribe) -> Written:
    """Write rude sentences and kind ones that want the same."""
    return _sheet(s, "manners", manners)


def synonyms_sheet(s: Scribe) -> Written:
    """Write policy questions in rare words and in plain ones."""
    return _sheet(s, "synonyms", plain_words)


def voices_sheet(s: Scribe) -> Written:
    """Write plain answers and the same answers as a pirate, a robot or another figure would say them."""
    who = framing.persona(s)
    return _sheet(s, "voices", lambda scribe: voiced(scribe, who), who=who.name.split(" ", 1)[1])


def short_sheet(s: Scribe) -> Written:
    """Write wordy sentences and what is left when the padding goes."""
    return _sheet(s, "short", trimmed)
