"""What customers write: an issue with a product, what they wish for, and the small talk around it."""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.desk.wording import Voice
from tunesmith.desk.world import Person, Product, World, table

TOPICS = ("returns", "shipping", "payment", "warranty", "account", "product")


class Ticket(NamedTuple):
    """One customer's message in parts; `gist` and `wish_gist` are third-person summaries without a subject."""

    topic: str  # one of TOPICS
    issue: str  # a sentence
    gist: str
    issue_keys: tuple[str, ...]
    wish: str  # a sentence
    wish_gist: str
    wish_keys: tuple[str, ...]
    product: Product
    person: Person
    number: int


def ticket(voice: Voice, world: World) -> Ticket:
    """Draw a ticket of this split."""
    rows = table("tickets")
    issue = voice.rng.choice(rows["issues"])
    wish = voice.rng.choice([row for row in rows["wishes"] if issue["topic"] not in row["not_for"]])
    product = world.product(voice.rng)
    return Ticket(
        topic=issue["topic"],
        issue=voice.sentence(issue["text"], p=product.name),
        gist=voice.say(issue["gist"], p=product.name),
        issue_keys=tuple(issue["key"]),
        wish=voice.sentence(wish["text"]),
        wish_gist=wish["gist"],
        wish_keys=tuple(wish["key"]),
        product=product,
        person=world.person(voice.rng),
        number=world.number(voice.rng),
    )


def small_talk(voice: Voice, world: World) -> str:
    """Return a sentence that carries nothing the desk needs."""
    return voice.sentence(
        "{I {hope|trust} you are {well|fine}|it is {sunny|windy|grey} here|I have {shopped|bought} here before"
        "|this is {not like you|a pity|new to me}|my {cat|dog|son|daughter} is {asleep|with me|hungry}"
        "|I {looked|waited} {all day|for a while|at home}|I {wrote|called} {before|once}"
        "|{sorry for|excuse} the long mail|the box was {big|small|nice}|my neighbour {laughed|helped|shops here too}"
        "|I am {at work|on a train|at home} now|{we like|I like} your shop}"
    )
