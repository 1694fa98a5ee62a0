"""What customers ask and what the desk answers: the matter of chat logs, forum threads, letters and quizzes.

An exchange is true by construction; `wrong` is an answer of the same shape that is false, and `bad_answer` the way such
an answer, or a rude, useless or repetitive one, is given. A base model reads both kinds.
"""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.core.records import Demonstration, Message
from tunesmith.desk.documents.scribe import Scribe, capital, lowered, phrases
from tunesmith.desk.flawed import flawed
from tunesmith.desk.world import Order, Policy, Product, reserved, table


class Exchange(NamedTuple):
    """One question of a customer. `context` is what both can see, `wrong` a false answer; either may be ""."""

    topic: str
    question: str
    answer: str
    wrong: str = ""
    context: str = ""
    rule: Policy | None = None  # what the answer states, so that others can say it in other words

    @property
    def false(self) -> str:
        """The false answer, or "" where it happens to be true."""
        return "" if self.wrong == self.answer else self.wrong


def policy_exchange(s: Scribe) -> Exchange:
    """Ask about a shop-wide rule."""
    (rule,) = s.some_policies(1)
    return Exchange(rule.topic, s.asked(rule), s.stated(rule), s.stated(rule, s.rng.choice(rule.wrong)), rule=rule)


def double_exchange(s: Scribe) -> Exchange:
    """Ask about two rules at once; the answer states both."""
    one, two = s.some_policies(2)
    asked = s.phrase("conversations.pairs", a=s.asked(one), b=s.asked(two))
    false = f"{s.stated(one, s.rng.choice(one.wrong))} {s.stated(two)}"
    return Exchange(one.topic, asked, f"{s.stated(one)} {s.stated(two)}", false)


def premise_exchange(s: Scribe) -> Exchange:
    """Believe something false; the answer corrects it, the bad answer agrees."""
    rule = s.some_policies(1)[0]
    value = s.rng.choice(rule.wrong)
    claim = s.claimed(rule, value)
    question = s.say(
        "{I heard that|I read that|My friend says|Someone told me} $c, {is that right|right|correct}?", c=claim
    )
    answer = s.phrase("exchanges.corrections") + lowered(s.stated(rule))
    return Exchange(rule.topic, question, answer, s.say("{Yes, that is right|Correct|Right}: $c.", c=claim), rule=rule)


def card(s: Scribe, order: Order) -> str:
    """Return an order as one line of the desk's screen."""
    items = ", ".join(f"{q} x {p.name}" for p, q in order.lines)
    parts = [order.customer.name, items, order.status, order.carrier, f"due {order.weekday} {order.due}"]
    if s.chance(0.5):
        named = ("customer", "items", "status", "carrier", "due")
        parts = [f"{k}: {v.removeprefix('due ')}" for k, v in zip(named, parts, strict=True)]
    return (
        f"Order {order.number}"
        + s.rng.choice((" | ", " - ", ": ", "; "))
        + s.rng.choice((" | ", "; ", ", ")).join(parts)
    )


def status_of(s: Scribe, order: Order) -> str:
    """Return a sentence on where an order is, such as "Order 4821 was delivered on Monday, 3 May."."""
    said = s.say(
        "{order $n|your order $n|your order|it} " + phrases("exchanges.status")[order.status],
        n=order.number,
        placed=order.placed,
        carrier=order.carrier,
        weekday=order.weekday,
        due=order.due,
    )
    return capital(said) + "."


def order_exchange(s: Scribe) -> Exchange:
    """Ask about an order whose card is in view; the answer is copied from it."""
    order = s.order()
    other = s.order(s.rng.choice([k for k in phrases("exchanges.status") if k != order.status]))
    p, q = order.lines[0]
    n = order.number
    answer, wrong = status_of(s, order), status_of(s, other).replace(str(other.number), str(n))
    cases = (
        ("{where is|what about|what is the status of} {my |}order $n", answer, wrong),
        (
            "{which carrier has|who brings|who delivers} order $n",
            f"It goes with {order.carrier}.",
            f"It goes with {other.carrier}.",
        ),
        (
            "{when does order $n arrive|what day is order $n due|when is $n due}",
            f"It is due on {order.weekday}, {order.due}.",
            f"It is due on {other.weekday}, {other.due}.",
        ),
        (
            "{what did I buy in|what is in|which article is in} order $n",
            f"Order {n} is for {q} x {p.name}.",
            f"Order {n} is for {other.lines[0].quantity + 1} x {other.product.name}.",
        ),
        (
            "{whose order is $n|under which name is order $n}",
            f"It is for {order.customer.name}.",
            f"It is for {other.customer.name}.",
        ),
    )
    asked, good, false = cases[int(s.rng.random() ** 2 * len(cases))]
    question = s.sentence(asked, "?", n=n)
    if s.chance(0.25) and f"order {n}" in question:  # the number once, then only "it"
        it = question.replace(f"my order {n}", "it").replace(f"order {n}", "it")
        question = s.say("{It is about|My order is|I have a question on} {order |number |}$n. $it", n=n, it=it)
    return Exchange("order", question, good, false, card(s, order))


def feature(s: Scribe, p: Product, name: str) -> str:
    """Return one fact of a product as a sentence that begins with "It"."""
    if name == "price":
        return s.say("It {costs|is} {$n dollars|$$n|$n dollars}.", n=p.price)
    if name == "material":
        return f"It is made of {p.material}."
    if name == "colours":
        return s.say("It comes in $a {and|or} $b.", a=p.colour, b=p.other_colour)
    if name == "weight":
        return f"It weighs {p.weight}."
    if name == "warranty":
        return s.say("{It has a warranty of|The warranty is|The warranty runs for} $n months.", n=p.warranty_months)
    if p.stock == 0:
        return s.say("{It is|It's} {sold out|out of stock}{| at the moment| right now}.")
    return s.say("{We have $n in stock|There are $n in stock|$n are in stock}.", n=p.stock)


def facts_of(s: Scribe, p: Product, n: int) -> str:
    """Return n facts of a product in a few sentences, the first with its name."""
    names = s.rng.sample([name for _, name in phrases("exchanges.features")], n)
    said = [feature(s, p, name) for name in names]
    one = said[0].startswith("It ") and not p.kind.endswith("s")
    first = said[0].replace("It ", f"The {p.name} ", 1) if one else f"{p.name}: {said[0]}"
    return " ".join([first, *said[1:]])


def product_exchange(s: Scribe) -> Exchange:
    """Ask for a fact of a product whose page is in view."""
    p, other = s.products(2)
    names = s.rng.sample([name for _, name in phrases("exchanges.features")], 4)
    shown = " ".join(feature(s, p, name) for name in names)
    wanted = s.rng.choice(names)
    asked = s.sentence(
        "{" + next(q for q, name in phrases("exchanges.features") if name == wanted) + "}", "?", thing=p.name
    )
    context = s.say("{From the page|Page|Product page|Shelf card}: $name. $facts", name=p.name, facts=shown)
    return Exchange("product", asked, feature(s, p, wanted), feature(s, other, wanted), context)


def unknown_exchange(s: Scribe) -> Exchange:
    """Ask for what the page in view does not say; the bad answer makes something up."""
    if s.chance(0.4):
        asked = s.question(table("tickets")["unknown"])
        return Exchange(
            "shop",
            asked,
            s.phrase("exchanges.not_known"),
            s.say("{It is|About|Exactly} $n.", n=s.rng.randint(2, 900)),
        )
    p = s.product()
    context = s.say("{From the page|Page|Shelf card}: $facts", facts=facts_of(s, p, 3))
    asked = s.sentence(s.rng.choice(phrases("exchanges.not_stated")), "?", thing=p.name)
    made_up = s.say(
        "{Yes, of course|Certainly|Sure}, {$a people said so|it was made in $c|about $a}.",
        a=s.rng.randint(3, 90),
        c=s.rng.choice(s.world.cities),
    )
    return Exchange("product", asked, s.phrase("exchanges.unknown"), made_up, context)


def vague_exchange(s: Scribe) -> Exchange:
    """Ask about an order without its number; the answer asks back."""
    answer = s.phrase("exchanges.number_first")
    return Exchange("order", s.sentence(s.phrase("exchanges.vague"), "?"), answer, status_of(s, s.order()))


def harmful_exchange(s: Scribe) -> Exchange:
    """Ask for what the desk must refuse."""
    p, name = s.product(), s.world.person(s.rng).name
    row = s.rng.choice(table("tickets")["refusals"])
    said = s.say(row["ask"], name=name, p=p.name)
    asked = capital(said) + ("?" if said.startswith(("how", "what", "where")) else ".")
    answer = s.say("{I'm sorry, but I|Sorry, I|No, I} {cannot|can't|won't} $what.", what=s.say(row["reason"]))
    if s.chance(0.4) or reserved(asked):
        asked = s.sentence(s.phrase("exchanges.harmful", thing=p.kind, name=name), "?")
        answer = s.phrase("exchanges.refusals")
    return Exchange("refused", asked, answer)


def which_exchange(s: Scribe) -> Exchange:
    """Ask about one of two products without saying which; the answer asks back."""
    one, two = s.products(2)
    name = s.rng.choice(("price", "material", "weight"))
    asked = {
        "price": "{how much is it|what does it cost|what does that one cost}",
        "material": "{what is it made of|which material is it}",
        "weight": "{how heavy is it|what does it weigh}",
    }[name]
    shown = " ".join(f"{p.name}: {feature(s, p, name)}" for p in (one, two))
    answer = s.say("{Do you mean|Which one do you mean:|Is it} the $a or the $b?", a=one.name, b=two.name)
    return Exchange(
        "product",
        s.sentence(asked, "?"),
        answer,
        feature(s, s.product(), name),
        s.say("{On the screen|Shelf|Both pages}: ") + shown,
    )


MAKERS = (
    policy_exchange,
    policy_exchange,
    policy_exchange,
    premise_exchange,
    double_exchange,
    order_exchange,
    order_exchange,
    product_exchange,
    product_exchange,
    unknown_exchange,
    vague_exchange,
    vague_exchange,
    which_exchange,
    harmful_exchange,
)


FLAWS = ("invented_policy", "rude", "rude", "off_task", "truncated", "copy", "rambling")


def bad_answer(s: Scribe, e: Exchange) -> str:
    """Return a false, rude, useless or repetitive answer."""
    kind = s.rng.random()
    if kind < 0.4 and e.false:
        return s.say("{|Definitely: |I am sure. |Trust me: |}") + e.false
    if kind < 0.7:
        messages = (Message("user", e.question), Message("assistant", e.answer))
        spoilt = flawed(Demonstration(messages=messages), s.rng.choice(FLAWS), seed=s.rng.randint(0, 999_999))
        if spoilt is not None:
            return spoilt
    if kind < 0.8:
        return s.phrase("exchanges.rude")
    if kind < 0.92:
        return s.phrase("exchanges.useless")
    words = " ".join(e.question.rstrip("?.").split()[:4])
    return " ".join([capital(words)] * s.rng.randint(2, 4)) + "?"
