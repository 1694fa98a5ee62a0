"""Training material of the desk: quizzes, reading sheets, comparisons."""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.desk.cards import ORDER_FIELDS, PRODUCT_FIELDS, Field, card, order_values, product_values
from tunesmith.desk.documents.scribe import Scribe, Written, capital, phrases
from tunesmith.desk.world import Policy


def quiz(s: Scribe) -> Written:
    """Write questions on the shop's rules with their answers: open, with choices, or true and false."""
    maker = s.rng.choice((_open, _choice, _true_false))
    rules = s.some_policies(s.rng.randint(4, 7))
    at_end = s.chance(0.3)
    questions, answers = [], []
    for i, rule in enumerate(rules, 1):
        question, answer = maker(s, rule)
        questions.append(f"{i}. {question}")
        answers.append(answer)
    title = s.phrase("studies.titles", n=len(rules))
    label = s.rng.choice(("Answer: ", "A: ", "-> ", "Solution: ", "= "))
    if at_end:
        solved = s.rng.choice(("\n", " ")).join(f"{i}. {a}" for i, a in enumerate(answers, 1))
        body = "\n".join([*questions, s.rng.choice(("Answers", "Solutions", "Key")) + ":", solved])
    else:
        body = "\n".join(f"{q}\n{label}{a}" for q, a in zip(questions, answers, strict=True))
    return Written("\n".join(filter(None, [title, body])))


def _open(s: Scribe, rule: Policy) -> tuple[str, str]:
    return s.asked(rule), s.stated(rule) if s.chance(0.6) else capital(rule.value) + "."


def _choice(s: Scribe, rule: Policy) -> tuple[str, str]:
    values = [rule.value, *s.rng.sample(rule.wrong, min(2, len(rule.wrong)))]
    s.rng.shuffle(values)
    letters = "abc"[: len(values)]
    listed = " ".join(f"{k}) {v}" for k, v in zip(letters, values, strict=True))
    right = f"{letters[values.index(rule.value)]}) {rule.value}"
    return f"{s.asked(rule)} {listed}", right


def _true_false(s: Scribe, rule: Policy) -> tuple[str, str]:
    if s.chance(0.5):
        return s.stated(rule), s.say("{True|True|Right}.")
    return s.stated(rule, s.rng.choice(rule.wrong)), f"{s.say('{False|False|Wrong}')}. {s.stated(rule)}"


class Subject(NamedTuple):
    """A product or an order: its fields, all their values, its title, and how questions name it."""

    fields: dict[str, Field]
    values: dict[str, str]
    title: str
    slots: dict[str, object]


def draw_subject(s: Scribe) -> Subject:
    """Draw what a card is about."""
    if s.chance(0.5):
        p = s.product()
        return Subject(PRODUCT_FIELDS, product_values(p), p.name, {"p": p.name})
    order = s.order()
    return Subject(ORDER_FIELDS, order_values(order), f"Order {order.number}", {"n": order.number})


class _Sheet:
    """A card with all its values, and how its thing is called in questions."""

    def __init__(self, s: Scribe) -> None:
        self.fields, every, self.title, self.slots = draw_subject(s)
        self.hidden = [key for key in every if s.chance(0.3)][: len(every) - 2]
        shown = [key for key in every if key not in self.hidden]
        s.rng.shuffle(shown)
        self.values = {key: every[key] for key in shown}

    def question(self, s: Scribe, key: str) -> str:
        return s.sentence(s.one_of(*self.fields[key].questions, **self.slots), "?")


def reading(s: Scribe) -> Written:
    """Write one or two cards, each with questions and answers; some answers are not on the card, and say so."""
    asks, answers = s.rng.choice((("Q: ", "A: "), ("", ""), ("Question: ", "Answer: "), ("* ", "  "), ("- ", "= ")))
    style = s.rng.random()
    parts = []
    for _ in range(s.rng.choice((1, 2, 2))):
        sheet = _Sheet(s)
        lines = [card(s, sheet.title, sheet.fields, sheet.values)]
        keys = s.rng.sample(list(sheet.values), s.rng.randint(2, len(sheet.values)))
        for key in keys:
            value = sheet.values[key]
            full = s.one_of(*sheet.fields[key].answers, v=value, **sheet.slots)
            lines.append(f"{asks}{sheet.question(s, key)}\n{answers}{full if style < 0.6 else capital(value)}")
        if sheet.hidden and s.chance(0.7):
            lines.append(f"{asks}{sheet.question(s, sheet.hidden[0])}\n{answers}{s.phrase('exchanges.unknown')}")
        if s.chance(0.4):
            lines.append(asks + _check(s, sheet, answers))
        parts.append("\n".join(lines))
    title = s.phrase("studies.reading", n=s.rng.randint(1, 99))
    return Written("\n\n".join(filter(None, [title, *parts])))


def _check(s: Scribe, sheet: _Sheet, answers: str) -> str:
    """Return a claim about the card's thing with yes, or with no and what is true."""
    key = s.rng.choice(list(sheet.values))
    field, value = sheet.fields[key], sheet.values[key]
    other = s.order()
    wrong = {**product_values(other.product), **order_values(other)}[key]
    name = f"the {sheet.title}" if "p" in sheet.slots else lowercase(sheet.title)
    claim = s.one_of(*field.claims, v=wrong if s.chance(0.5) else value)
    true = claim in {s.say(c, v=value) for c in field.claims}
    reply = "Yes." if true else f"No, it {s.one_of(*field.claims, v=value)}."
    return f"{s.say('{Is it true that|Does it say that|Is it right that}')} {name} {claim}?\n{answers}{reply}"


def lowercase(title: str) -> str:
    """Return "order 4821" for "Order 4821"."""
    return title[:1].lower() + title[1:]


def comparison(s: Scribe) -> Written:
    """Write price lists, and which article costs least or most, or has a certain colour."""
    mark = s.rng.choice(("{}: ${}, {}", "{} (${}, {})", "- {} | {} dollars | {}", "{} - ${} - {}"))
    parts = []
    for _ in range(s.rng.choice((2, 3))):
        some = s.products(s.rng.choice((2, 3, 3)))
        rows = [mark.format(p.name, p.price, p.colour) for p in some]
        lines = [s.rng.choice(("\n", "\n", "; ")).join(rows)]
        if len({p.price for p in some}) == len(some):
            noun, verb, dear = s.rng.choice(phrases("studies.comparisons"))
            best = max(some, key=lambda p: p.price) if dear else min(some, key=lambda p: p.price)
            lines.append(_verdict(s, noun, verb, best.name, best.price))
        chosen = s.rng.choice(some)
        if [p.colour for p in some].count(chosen.colour) == 1:
            lines.append(s.say("{In $c|The $c one|Only one is $c}: the $p.", c=chosen.colour, p=chosen.name))
        parts.append("\n".join(lines))
    title = s.any_of(
        ("{Compare|Price check|Which one}?", "{Shelf list|Shelf check|Price list}, $d", ""), d=s.world.day(s.rng)
    )
    return Written("\n\n".join(filter(None, [title, *parts])))


def _verdict(s: Scribe, noun: str, verb: str, name: str, price: int) -> str:
    if s.chance(0.5):
        return s.say(f"The {noun}{{:| is}} the $p.", p=name)
    return s.say(f"The $p {verb}{{.|: $d dollars.}}", p=name, d=price)
