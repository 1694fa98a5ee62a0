"""Working lists: tickets with their labels, and meeting notes that become action items."""

from __future__ import annotations

from tunesmith.desk.documents.cases import draw_case
from tunesmith.desk.documents.exchanges import policy_exchange, product_exchange
from tunesmith.desk.documents.scribe import Scribe, Written, capital, noun, phrases
from tunesmith.desk.tickets import ticket
from tunesmith.desk.world import table


def draw_ticket(s: Scribe) -> tuple[str, dict[str, str]]:
    """Draw a customer's message and its labels: topic, sentiment, urgency."""
    order = s.order()
    slots = {
        "thing": noun(order.product.kind),
        "n": order.number,
        "agent": s.agent(),
        "city": order.customer.city,
        "colour": order.product.other_colour,
    }
    kind = s.rng.random()
    if kind < 0.2:
        case = draw_case(s)
        text, labels = capital(case.complaint), {"topic": case.label, "sentiment": "negative", "urgency": "normal"}
        if s.chance(0.4):
            text, labels["urgency"] = f"{text}. {s.phrase('lists.anger')}", "high"
    elif kind < 0.5:
        mood = s.rng.choice(phrases("lists.sentiments"))
        text = s.sentence(s.one_of(*table("tickets")["sentiments"][mood], p=order.product.name))
        labels = {
            "topic": phrases("lists.moods")[mood],
            "sentiment": mood,
            "urgency": "normal" if mood == "negative" else "low",
        }
    elif kind < 0.65:
        t = ticket(s, s.world)
        text, labels = t.issue, {"topic": t.topic, "sentiment": "negative", "urgency": "normal"}
    elif kind < 0.72:
        text, labels = (
            capital(s.phrase("lists.praises", **slots)),
            {"topic": "praise", "sentiment": "positive", "urgency": "low"},
        )
    elif kind < 0.88:
        topic = s.rng.choice(list(phrases("lists.requests")))
        text, labels = (
            capital(s.any_of(phrases("lists.requests")[topic], **slots)),
            {"topic": topic, "sentiment": "neutral", "urgency": "normal"},
        )
    else:
        e = s.rng.choice((policy_exchange, product_exchange))(s)
        text, labels = e.question.rstrip("?"), {"topic": e.topic, "sentiment": "neutral", "urgency": "low"}
    return text, labels


def tickets(s: Scribe) -> Written:
    """Write a list of messages with one or more labels each."""
    names = s.rng.sample(("topic", "sentiment", "urgency"), s.rng.choice((1, 1, 2, 3)))
    form = s.rng.choice(
        (
            "{t} -> {l}",
            "{t}\t{l}",
            "[{l}] {t}",
            "{t} ({l})",
            "#{n} {t} | {l}",
            '"{t}": {l}',
            "Message: {t}\nLabel: {l}",
            "{n}. {t} = {l}",
        )
    )
    joint = s.rng.choice((", ", " / ", "; "))
    named = s.chance(0.4)
    first = s.rng.randint(1, 900)
    lines = (
        [s.say("{Ticket list|Inbox|Sorted messages|Labels}{|, $d|: $k|}", d=s.world.day(s.rng), k=joint.join(names))]
        if s.chance(0.7)
        else []
    )
    for n in range(first, first + s.rng.randint(6, 10)):
        text, labels = draw_ticket(s)
        label = joint.join(f"{name}: {labels[name]}" if named else labels[name] for name in names)
        lines.append(form.format(t=text, l=label, n=n))
    return Written("\n".join(lines))


def meeting(s: Scribe) -> Written:
    """Write the notes of one or two meetings, in prose or in catchwords, and the action items that follow from them."""
    item = s.rng.choice(
        (
            "- {w}: {j} ({d})",
            "- {w}: {j} by {d}",
            "[ ] {w}: {j}, {d}",
            "* {j} ({w}, {d})",
            "{w} - {j} - {d}",
            "{w}: {j} until {d}",
            "- {w}: {j}",
            "- {w}: {j}",
            "{w} -> {j}",
        )
    )
    heading = s.rng.choice(("Action items", "To do", "Who does what", "Actions", "Tasks"))
    rough, dated = s.chance(0.3), "{d}" in item
    key = "lists.assigned" if dated else "lists.plain_notes"
    parts = []
    for _ in range(s.rng.choice((1, 2, 2))):
        notes, items = [], []
        people = s.rng.sample(s.world.agents, 4)
        for who in people[: s.rng.randint(2, 4)]:
            day, task = s.rng.choice(s.world.weekdays), job(s)
            if rough:
                notes.append(f"{who.lower()} {task}" + (f" {day.lower()}" if dated else ""))
            else:
                notes.append(capital(s.phrase(key, who=who, job=task, day=day, says=s.say("{said|says|wrote}"))))
            items.append(item.format(w=who, j=task, d=day))
            if s.chance(0.35) and not rough:
                notes.append(s.phrase("lists.talk", other=people[-1], month=s.rng.choice(s.world.months)))
        title = s.say("{Team meeting|Monday round|Meeting|Notes}{, $d|}", d=s.world.day(s.rng))
        parts.append(
            "\n".join([title, (s.rng.choice((" / ", "\n", ", ")) if rough else " ").join(notes), f"{heading}:", *items])
        )
    return Written("\n\n".join(parts))


def job(s: Scribe) -> str:
    """Draw something that has to be done at the desk, such as "close order 4821"."""
    p = s.product()
    if s.chance(0.3):
        return s.say(s.rng.choice(table("tickets")["actions"])["text"], p=p.name)
    topic = s.some_policies(1)[0].topic
    return s.any_of(
        phrases("lists.jobs"),
        carrier=s.rng.choice(s.world.carriers),
        n=s.world.number(s.rng),
        name=s.world.person(s.rng).name,
        kind=p.kind,
        kinds=p.kind if p.kind.endswith("s") else p.kind + "s",
        topic=topic,
        other=s.agent(),
        product=p.name,
        month=s.rng.choice(s.world.months),
    )
