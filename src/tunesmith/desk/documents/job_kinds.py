"""The kinds of jobs in a clerk's job book; each draws a request, the text it is about, and the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tunesmith.desk import framing
from tunesmith.desk.cards import card
from tunesmith.desk.documents import chores, exchanges, ideas, lists, records, worksheets
from tunesmith.desk.documents.cases import draw_case
from tunesmith.desk.documents.letters import message_gist, summary_sentence
from tunesmith.desk.documents.scribe import Scribe, article, capital, phrases
from tunesmith.desk.documents.studies import draw_subject
from tunesmith.desk.world import table


class Job(NamedTuple):
    """A request in lower case without a full stop, unless `finished`; the text it is about, or ""; the result."""

    request: str
    text: str
    result: str
    finished: bool = False
    chatty: bool = False  # a sentence that has nothing to do with the job may stand beside the text


def _ask(s: Scribe, kind: str, **slots: object) -> str:
    return s.phrase(f"jobs.{kind}", **slots)


def _marks(s: Scribe) -> Job:
    before, after = worksheets.marks(s)
    return Job(_ask(s, "marks"), before, after)


def _slips(s: Scribe) -> Job:
    before, after = worksheets.slips(s)
    return Job(_ask(s, "slips"), before, after)


def _manners(s: Scribe) -> Job:
    before, after = worksheets.manners(s)
    return Job(_ask(s, "manners"), before, after)


def _voiced(s: Scribe) -> Job:
    who = framing.persona(s)
    before, after = worksheets.voiced(s, who)
    return Job(_ask(s, "voices", who=who.name), before, after)


def _trimmed(s: Scribe) -> Job:
    before, after = worksheets.trimmed(s)
    return Job(_ask(s, "short"), before, after)


def _converted(s: Scribe) -> Job:
    _, fields = records.draw_record(s)
    if s.chance(0.6):  # short ones, as people paste them
        fields = dict(list(fields.items())[: s.rng.choice((1, 2, 2, 3))])
    source, target = s.rng.sample(records.FORMATS, 2)
    text, result = (records.written(fields, "data", form, compact=True) for form in (source, target))
    return Job(_ask(s, "convert", source=source, target=target), text, result)


_FIELD_NAMES = {
    "order": "{order number|number of the order|order no.}",
    "name": "{full name|name|writer's name|customer's name}",
    "city": "{town|city|place|city they live in}",
    "product": "{product|article|thing it is about}",
}


def _note(s: Scribe) -> tuple[str, dict[str, str]]:
    """Draw a customer's note and the fields that can be read from it."""
    case = draw_case(s)
    o = case.order
    every = {"order": str(o.number), "name": o.customer.name, "city": o.customer.city, "product": o.product.name}
    keys = s.rng.sample(list(every), s.rng.choice((2, 3, 3, 4)))
    said = {
        "order": s.say("{It is about order|Order|The number is|My order number is} $n.", n=o.number),
        "name": s.say("{This is $n|I am $n|$n here|Signed: $n}.", n=o.customer.name),
        "city": s.say("I {live in|am from|write from|am in} $n.", n=o.customer.city),
        "product": s.say("{It is the $n|I mean the $n|The $n is meant|I bought the $n}.", n=o.product.name),
    }
    parts = [capital(case.complaint) + ".", *(said[key] for key in keys)]
    s.rng.shuffle(parts)
    return " ".join(parts), {key: every[key] for key in keys}


def _field(s: Scribe) -> Job:
    text, fields = _note(s)
    key = s.rng.choice(list(fields))
    return Job(_ask(s, "field", what=s.say(_FIELD_NAMES[key])), text, fields[key], chatty=True)


def _fields(s: Scribe) -> Job:
    text, fields = _note(s)
    keys = s.rng.sample(list(_FIELD_NAMES), s.rng.choice((2, 2, 3)))
    blank = s.phrase("jobs.blanks")
    request = _ask(s, "fields", what=s.joined(keys))
    if s.chance(0.4) or not set(keys) <= set(fields):
        request += s.phrase("jobs.blank_rules", blank=blank)
    return Job(request, text, "\n".join(f"{key}: {fields.get(key, blank)}" for key in keys), chatty=True)


def _actions(s: Scribe) -> Job:
    people = s.rng.sample(s.world.agents, s.rng.choice((1, 2, 2, 3)))
    tasks = [(who, lists.job(s)) for who in people]
    notes = [capital(s.phrase("jobs.assigned", who=who, job=job)) for who, job in tasks]
    if s.chance(0.4):
        notes.insert(
            s.rng.randint(0, len(notes)), s.phrase("lists.talk", other=s.agent(), month=s.rng.choice(s.world.months))
        )
    if s.chance(0.1):
        talk = [s.phrase("lists.talk", other=s.agent(), month=s.rng.choice(s.world.months)) for _ in range(2)]
        return Job(_ask(s, "actions"), " ".join(talk), s.phrase("jobs.nothing"))
    return Job(_ask(s, "actions"), " ".join(notes), "\n".join(f"- {who}: {job}" for who, job in tasks))


_TOPICS = ("damage", "delivery", "exchange", "warranty", "payment", "return", "cancel", "address", "stock", "account")
_LABELS = {"sentiment": ("positive", "neutral", "negative"), "urgency": ("low", "normal", "high")}


def _labelled(s: Scribe) -> Job:
    text, labels = lists.draw_ticket(s)
    name = s.rng.choice(("topic", "topic", "sentiment", "urgency"))
    right = labels[name]
    others = s.rng.sample([topic for topic in _TOPICS if topic != right], s.rng.choice((1, 2, 3)))
    options = list(_LABELS.get(name) or (right, *others))
    s.rng.shuffle(options)
    rule = ""
    if name == "topic" and s.chance(0.25):
        rule = s.phrase("jobs.others")
        if s.chance(0.5):
            options, right = [o for o in options if o != right], "other"
    listed = s.rng.choice((", ", " / ")).join(options) if s.chance(0.5) else s.joined(options, "or")
    return Job(_ask(s, "label", name=name, labels=listed) + rule, s.sentence(text), right, chatty=True)


def _read(s: Scribe) -> Job:
    """Draw a card and a question whose answer may not be on it."""
    fields, values, title, slots = draw_subject(s)
    shown = s.rng.sample(list(values), s.rng.randint(2, len(values) - 1))
    key = s.rng.choice(shown if s.chance(0.75) else [k for k in values if k not in shown])
    text = card(s, title, fields, {k: values[k] for k in shown})
    question = s.sentence(s.one_of(*fields[key].questions, **slots), "?")
    if key not in shown:
        return Job(question, text, s.phrase("exchanges.unknown"), finished=True)
    answer = s.one_of(*fields[key].answers, v=values[key], **slots)
    return Job(question, text, answer, finished=True)


def _asked(s: Scribe) -> Job:
    e = s.rng.choice(exchanges.MAKERS)(s)
    return Job(e.question, e.context, e.answer, finished=True)


def _listed(s: Scribe) -> Job:
    items, task, result = s.rng.choice(chores.MAKERS)(s)
    return Job(s.phrase("jobs.chores", task=task), items, result)


def _ideas(s: Scribe) -> Job:
    n = s.rng.choice((1, 2, 3, 3))
    numbered = s.chance(0.3)
    taken = ""
    if s.chance(0.7):
        row = s.rng.choice(table("tickets")["ideas"])
        what, (taken, *items) = s.say(row["what"]), s.rng.sample(row["items"], n + 1)
    else:
        occasion = s.rng.choice(list(phrases("ideas.occasions")))
        what = f"gifts for {occasion}"
        kinds = [p.kind for p in ideas.different(s, phrases("ideas.occasions")[occasion], n)]
        items = [f"{article(kind)} {kind}" for kind in kinds]
    if n == 1:
        what = re.sub(r"^(\w+)s\b", r"\1", what)  # one gift
    request = _ask(s, "ideas", n=s.rng.choice((str(n), chores.COUNTS[n])), what=what)
    if taken and s.chance(0.25):
        request += s.phrase("jobs.taken", item=taken.rstrip("?"))
    if numbered:
        request += s.phrase("jobs.numbered")
    marks = (f"{i}. {item}" if numbered else f"- {item}" for i, item in enumerate(items, 1))
    return Job(request, "", "\n".join(marks))


def _letter(s: Scribe) -> Job:
    """Draw a short note with given facts."""
    person, p, number = s.world.person(s.rng), s.thing(), s.world.number(s.rng)
    row = s.rng.choice(phrases("jobs.letters"))
    slots = {"n": person.first, "p": p.name, "o": number, "d": s.rng.choice(s.world.weekdays)}
    kind = s.say("{a short note|a mail|a letter|a message|a few words|two lines}")
    request, said = s.say(row["asked"], k=kind, **slots), s.say(row["said"], **slots)
    if s.chance(0.2):
        who = framing.persona(s)
        return Job(request + s.phrase("jobs.manner", who=who.name), "", framing.in_persona(s, who, said))
    if s.chance(0.15):
        agent = s.agent()
        return Job(request + s.say("{. Sign it as $a|, signed $a}", a=agent), "", f"{said}\n{agent}")
    return Job(request, "", said)


def _described(s: Scribe) -> Job:
    p = s.thing()
    given = {"colour": p.colour, "material": p.material, "price": f"${p.price}"}
    keys = s.rng.sample(list(given), s.rng.choice((2, 3)))
    said = {"colour": f"comes in {p.colour}", "material": f"is made of {p.material}", "price": f"costs ${p.price}"}
    clauses = s.joined([said[k] for k in keys])
    text = s.phrase("ideas.described", n=p.name, k=p.kind, list=clauses)
    return Job(_ask(s, "describe", p=p.name, facts=", ".join(given[k] for k in keys)), "", text)


def _summed_up(s: Scribe) -> Job:
    if s.chance(0.6):
        text, gist = message_gist(s)
        return Job(_ask(s, "sum_up"), text, gist)
    case = draw_case(s)
    who = case.order.customer.first
    text = f"{who}: {capital(case.complaint)}. {s.say('{Order|It is order} $n.', n=case.order.number)}"
    return Job(_ask(s, "sum_up"), f"{text}\n{case.agent}: {capital(case.answer)}.", summary_sentence(s, case))


# How often each kind of job is drawn, relative to the sum of all weights.
KINDS: Mapping[str, tuple[int, Callable[[Scribe], Job]]] = {
    "marks": (7, _marks),
    "slips": (4, _slips),
    "manners": (2, _manners),
    "voiced": (2, _voiced),
    "trimmed": (1, _trimmed),
    "converted": (7, _converted),
    "field": (6, _field),
    "fields": (5, _fields),
    "actions": (5, _actions),
    "labelled": (6, _labelled),
    "read": (8, _read),
    "asked": (9, _asked),
    "listed": (11, _listed),
    "ideas": (8, _ideas),
    "letter": (4, _letter),
    "described": (2, _described),
    "summed_up": (4, _summed_up),
}
