"""The hand that writes documents: a generator, its wordings, and the train half of the shop."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import Order, Policy, Product, World, policies, product, reserved, split_of, table

_TRIES = 200


class Written(NamedTuple):
    """A written document, and how many answers to customers it contains, of which `bad` are rude, false or useless."""

    text: str
    answers: int = 0
    bad: int = 0


class _Draws(random.Random):
    """A generator whose busiest methods are one multiplication: a document takes a hundred draws, a corpus millions."""

    def choice(self, seq: Any) -> Any:
        """Return one element; the bias of a 53-bit float over a short table does not show."""
        return seq[int(self.random() * len(seq))]

    def randint(self, a: int, b: int) -> int:
        """Return an integer from a to b, both included."""
        return a + int(self.random() * (b - a + 1))


class Scribe(Voice):
    """A voice of the train split that also draws facts of the shop; every draw comes from the one generator."""

    def __init__(self, seed: str) -> None:
        super().__init__(_Draws(seed), "train")
        self.world = World("train")
        self._orders: dict[int, Order] = {}
        data = table("world")
        names = [(series, kind) for series in data["series"] for kind in data["kinds"]]
        self._catalogue = [product(*name) for name in names if split_of(" ".join(name)) == "train"]

    def product(self) -> Product:
        """Draw a product."""
        found: Product = self.rng.choice(self._catalogue)
        return found

    def products(self, n: int) -> list[Product]:
        """Draw n products of different kinds and different series."""
        found: list[Product] = []
        while len(found) < n:
            one = self.product()
            if all(one.kind != p.kind and one.series != p.series for p in found):
                found.append(one)
        return found

    def thing(self, category: str | None = None) -> Product:
        """Draw a product whose name is singular, so not shoes or gloves."""
        while True:
            found = self.product()
            if not found.kind.endswith("s") and category in (None, found.category):
                return found

    def order(self, status: str | None = None) -> Order:
        """Draw an order; an order drawn before is remembered, since it is costly to work out."""
        number = self.world.number(self.rng)
        found = self._orders.get(number)
        if found is None:
            found = self._orders[number] = self.world.order_of(number)
        return found if status is None else replace(found, status=status)

    def agent(self) -> str:
        """Draw the first name of someone at the help desk."""
        return self.rng.choice(self.world.agents)

    def some_policies(self, n: int) -> list[Policy]:
        """Draw n different policies."""
        return self.rng.sample(policies(), n)

    def stated(self, policy: Policy, value: str | None = None) -> str:
        """Return a sentence that states the policy, with its true value unless another is given."""
        said = self.one_of(*policy.statements, v=policy.value if value is None else value)
        return self.sentence(said if said.startswith("Larkfield") else self.rng.choice(phrases("scribe.asides")) + said)

    def asked(self, policy: Policy) -> str:
        """Return a question about the policy, such as "How long do I have to return something?"."""
        return self.question(policy.questions)

    def question(self, texts: Sequence[str], **slots: object) -> str:
        """Return a wording of one of the texts as a question that is not reserved for the test split.

        Raises:
            DataError: none was found, so that all wordings seem to be reserved.
        """
        for _ in range(_TRIES):
            said = self.sentence(self.one_of(*texts, **slots), "?")
            if not reserved(said):
                return said
        raise DataError("every wording is reserved for the test split", where=texts[0], remedy="add another wording")

    def claimed(self, policy: Policy, value: str) -> str:
        """Return what a customer believes of the policy, without a capital or a full stop."""
        return self.one_of(*policy.claims, v=value)

    def joined(self, items: list[str], last: str = "and") -> str:
        """Return "a, b and c", or with another word before the last."""
        return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"

    def any_of(self, texts: Sequence[str], **slots: object) -> str:
        """Return one wording of a table's entry; unlike `one_of`, no entry is held out, only alternatives inside it."""
        return self.say(texts[int(self.rng.random() * len(texts))], **slots)

    def phrase(self, key: str, **slots: object) -> str:
        """Return one wording of `phrases(key)`."""
        return self.any_of(phrases(key), **slots)


def phrases(key: str) -> Any:
    """Return the table of wordings with this key, such as "letters.openings", of `desk/data/documents.json`."""
    section, name = key.split(".")
    return table("documents")[section][name]


def capital(text: str) -> str:
    """Return the text with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """Return the text with its first letter in lower case, unless the first word is "I" or a name in capitals."""
    return text if text.startswith(("I ", "I'", "Larkfield")) else text[:1].lower() + text[1:]


def noun(name: str) -> str:
    """Return a noun that takes "a" and "the ... is", also for shoes and gloves."""
    return f"{'set' if name.endswith('blocks') else 'pair'} of {name}" if name.endswith("s") else name


def article(word: str) -> str:
    """Return "a" or "an" for a noun or adjective."""
    return "an" if word[:1].lower() in "aeiou" else "a"
