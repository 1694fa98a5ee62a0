"""E-mails with replies, and threads with the one sentence that sums them up."""

from __future__ import annotations

from tunesmith.desk.documents.cases import Case, draw_case
from tunesmith.desk.documents.exchanges import MAKERS, status_of
from tunesmith.desk.documents.scribe import Scribe, Written, article, capital, noun, phrases
from tunesmith.desk.tickets import small_talk, ticket


def _complaint(s: Scribe, case: Case) -> str:
    o = case.order
    lead = s.phrase(
        "letters.leads", n=o.number, a=article(noun(o.product.kind)), kind=noun(o.product.kind), placed=o.placed
    )
    return f"{lead}{capital(case.complaint)}. {s.phrase('letters.wishes')}".strip()


def _reply(s: Scribe, case: Case) -> str:
    return " ".join(
        filter(
            None,
            (
                s.phrase("letters.sorry", n=case.order.number),
                capital(case.answer) + ".",
                s.phrase("letters.kind_lines", day=s.rng.choice(s.world.weekdays)),
            ),
        )
    )


def email_thread(s: Scribe) -> Written:
    """Write a customer's letter and the desk's reply, with or without headers."""
    case = draw_case(s)
    person = case.order.customer
    if s.chance(0.35):
        e = s.rng.choice(MAKERS)(s)
        asked, replied, subject = e.question, e.answer, e.topic
        if e.context:
            asked, replied = f"{asked}\n({e.context})", replied
    else:
        asked, replied, subject = (
            _complaint(s, case),
            _reply(s, case),
            s.say("{order $n|$m}", n=case.order.number, m=case.matter),
        )
    name, agent = s.rng.choice((person.name, person.first)), case.agent
    letter = [s.phrase("letters.openings", agent=agent), asked, s.phrase("letters.endings"), name]
    reply = [
        s.say("{Dear|Hello|Hi} $first,", first=person.first),
        replied,
        s.phrase("letters.endings"),
        s.say("$a{|, Larkfield|, help desk|}", a=agent),
    ]
    if s.chance(0.6):
        letter = [f"From: {person.email}", "To: help@larkfield.example", f"Subject: {capital(subject)}", "", *letter]
        reply = [f"Subject: Re: {capital(subject)}", "", *reply]
    between = s.rng.choice(("", "---", "> reply", "Reply:", "Answer:", "* * *"))
    return Written("\n".join([*letter, between, *reply]))


def summary_sentence(s: Scribe, case: Case) -> str:
    """Return who wrote about what and what the agent did."""
    who, matter, outcome = case.facts
    return s.any_of(
        (
            "$who {wrote|complained} about $m{| (order $n)}, and $a $o.",
            "{Customer $who|$who} {reported|had} $m{|, order $n}; $a $o.",
            "$a $o {because of|after} $m{| in order $n}{| from $who}.",
        ),
        who=who,
        m=matter,
        a=case.agent,
        o=outcome,
        n=case.order.number,
    )


def message_gist(s: Scribe) -> tuple[str, str]:
    """Draw a message with small talk, and the sentence that keeps what is wrong and what is wished."""
    t = ticket(s, s.world)
    said = [t.issue, t.wish]
    said.insert(s.rng.randint(0, 2), small_talk(s, s.world))
    number = s.chance(0.4)
    if number:
        said.append(s.say("{It is order $n|Order $n|The number is $n}.", n=t.number))
    gist = s.any_of(
        ("$g and {the customer|the sender|$f} $w.", "$f $w: $g.", "$g; $f $w."),
        g=t.gist,
        w=t.wish_gist,
        f=t.person.first,
    )
    summary = f"Order {t.number}: {gist}" if number else capital(gist)
    return f"{t.person.first}: {' '.join(said)}", summary


def digest(s: Scribe) -> Written:
    """Write one or two short threads, each with its one-sentence summary."""
    head = s.rng.choice(phrases("letters.summary_heads"))
    parts = []
    for _ in range(s.rng.choice((1, 2, 2))):
        if s.chance(0.4):
            text, gist = message_gist(s)
            parts.append(f"{text}\n{head}: {gist}")
            continue
        case = draw_case(s)
        who, agent = case.order.customer.first, case.agent
        turns = [f"{who}: {_complaint(s, case)}", f"{agent}: {_reply(s, case)}"]
        if s.chance(0.4):
            turns.insert(0, f"{agent}: {s.say('{Hello|Hi|Good morning}, {how can I help|what can I do for you}?')}")
        if s.chance(0.5):
            turns.append(f"{who}: {s.say('{Thank you|Thanks|That is kind|Great}{.|!|, that works.|, I will wait.|.}')}")
        if s.chance(0.3):
            turns.append(f"{agent}: {status_of(s, case.order)}")
        parts.append("\n".join([*turns, f"{head}: {summary_sentence(s, case)}"]))
    title = s.say("{Threads of the day|Shift report|Digest|Notes for the next shift}, $d", d=s.world.day(s.rng))
    return Written("\n\n".join([title, *parts] if s.chance(0.5) else parts))
