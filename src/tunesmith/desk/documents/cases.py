"""A complaint and how it ends: the structure behind letters, thread summaries, tickets and call notes."""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.desk.documents.scribe import Scribe, noun, phrases
from tunesmith.desk.world import Order

# key: (what the customer writes, the desk's short name for it, the label)
# problem: resolutions as (what the agent writes, what a summary says)


class Case(NamedTuple):
    """A customer's problem with an order and what an agent did; all texts are clauses without capital or full stop."""

    order: Order
    agent: str
    label: str  # damage, delivery, exchange, warranty, payment, return
    complaint: str
    matter: str
    answer: str
    outcome: str

    @property
    def facts(self) -> tuple[str, str, str]:
        """The customer's first name, what it was about and what the agent did."""
        return self.order.customer.first, self.matter, self.outcome


def draw_case(s: Scribe) -> Case:
    """Draw a problem, an order it can befall, and a fitting resolution."""
    order = s.order()
    p = order.product
    keys = [k for k in phrases("cases.problems") if k != "dead" or p.electric]
    problem = s.rng.choice(keys)
    resolution = s.rng.choice(phrases("cases.fitting")[problem])
    slots = {
        "thing": noun(p.kind if s.chance(0.5) else p.name),
        "due": order.due,
        "colour": p.colour,
        "other": p.other_colour,
        "price": p.price,
        "day": s.rng.choice(s.world.weekdays),
        "weekday": s.rng.choice(s.world.weekdays),
        "amount": 5 * s.rng.randint(1, 6),
        "carrier": order.carrier,
    }
    complaint, matter, label = phrases("cases.problems")[problem]
    answer, outcome = phrases("cases.resolutions")[resolution]
    return Case(
        order,
        s.agent(),
        label,
        s.say(complaint, **slots),
        s.say(matter, **slots),
        s.say(answer, **slots),
        s.say(outcome, **slots),
    )
