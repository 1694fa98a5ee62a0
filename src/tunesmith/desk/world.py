"""The desk's world: one small online shop, Larkfield, whose products, orders, people and policies are checkable.

The shop is one fixed place: a product, an order or a policy has the same facts wherever it is mentioned, in
pretraining documents, in training prompts and in test prompts. What differs between the splits is *which* products,
orders and people are mentioned: every product name, order number and full name belongs to exactly one split.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Literal, NamedTuple
from zlib import crc32

Split = Literal["train", "test"]

SHOP = "Larkfield"
SHOP_SEED = 0
_TEST_SHARE = 5  # one name in five belongs to the test split
_TEST_TEXTS = 4  # one prompt text in four may be said in the test split only


@dataclass(frozen=True, slots=True)
class Product:
    """One article of the catalogue. `name` is series + kind, such as "Alder desk lamp"; no two products share it."""

    name: str
    series: str
    kind: str
    category: str
    price: int  # whole dollars
    colour: str
    other_colour: str
    material: str
    sizes: tuple[str, ...]  # () where the product has one size
    weight: str  # with unit, such as "2 kg"
    warranty_months: int
    stock: int  # 0 = sold out
    electric: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A customer."""

    first: str
    last: str
    city: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"

    @property
    def email(self) -> str:
        """An address in a reserved domain."""
        return f"{self.first.lower()}@mail.example"


class OrderLine(NamedTuple):
    """A product and how many of it (1 to 4)."""

    product: Product
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `number` has four digits; dates read "12 May"; `due` is the day it arrives or arrived."""

    number: int
    customer: Person
    lines: tuple[OrderLine, ...]
    status: str  # one of STATUSES
    carrier: str
    placed: str
    due: str
    weekday: str  # of `due`

    @property
    def product(self) -> Product:
        """The first line's product."""
        return self.lines[0].product


@dataclass(frozen=True, slots=True)
class Policy:
    """One constant fact of the shop, such as the returns window.

    `questions`, `statements` and `claims` are wordings for `Voice.say`; in statements and claims `$v` stands for a
    value. Pretraining documents state `statements` with the true `value`; `wrong` are values that are false here, and
    `accept` are further ways to write the true value.
    """

    key: str
    topic: str
    value: str
    accept: tuple[str, ...]
    wrong: tuple[str, ...]
    questions: tuple[str, ...]
    statements: tuple[str, ...]
    claims: tuple[str, ...]


STATUSES = ("placed", "packed", "shipped", "delivered", "delayed", "cancelled", "returned")


def split_of(name: str) -> Split:
    """Return the split to which a product name, a full name or an order number belongs; the same in every process."""
    return "test" if crc32(name.encode()) % _TEST_SHARE == 0 else "train"


def reserved(text: str) -> bool:
    """Return True where a prompt of just this text belongs to the test split: one text in four does."""
    return crc32(text.encode()) % _TEST_TEXTS == 0


@cache
def table(name: str) -> Any:
    """Return the JSON data file `desk/data/<name>.json`."""
    return json.loads(resources.files("tunesmith.desk").joinpath("data", f"{name}.json").read_text(encoding="utf-8"))


@cache
def policies() -> tuple[Policy, ...]:
    """Return the shop's constant facts, the same in both splits."""
    return tuple(_policy(row) for row in table("policies"))


@cache
def policy(key: str) -> Policy:
    """Return the policy with this key, such as "returns.window".

    Raises:
        KeyError: there is none.
    """
    return {p.key: p for p in policies()}[key]


def _policy(row: Mapping[str, Any]) -> Policy:
    lists = {name: tuple(row.get(name, ())) for name in ("accept", "wrong", "questions", "statements", "claims")}
    return Policy(key=row["key"], topic=row["key"].split(".")[0], value=row["value"], **lists)


@lru_cache(maxsize=8192)
def product(series: str, kind: str) -> Product:
    """Return the one product of this name; its facts follow from the name alone."""
    data = table("world")
    category, low, high, materials, kilos, sizing, power = data["kinds"][kind]
    rng = random.Random(f"{SHOP_SEED}/product/{series} {kind}")
    colour, other = rng.sample(data["colours"], 2)
    sizes = {"cloth": ("S", "M", "L", "XL"), "shoe": ("38", "40", "42", "44"), "cm": ("20 cm", "24 cm", "28 cm")}
    some = sizes.get(sizing, ())
    start = rng.randrange(len(some) - 1) if some else 0
    return Product(
        name=f"{series} {kind}",
        series=series,
        kind=kind,
        category=category,
        price=rng.randint(low, high),
        colour=colour,
        other_colour=other,
        material=rng.choice(materials),
        sizes=some[start : start + rng.randint(2, 3)],
        weight=f"{kilos + rng.randint(0, 2)} kg" if kilos > 1 else f"{rng.randint(2, 9) * 100} g",
        warranty_months=24 if power == "electric" else 12,  # as the policies say
        stock=0 if rng.random() < 0.2 else rng.randint(1, 40),
        electric=power == "electric",
    )


class _Belonging(NamedTuple):
    """What one split may mention: (series, kind), (first, last), order numbers."""

    names: tuple[tuple[str, str], ...]
    people: tuple[tuple[str, str], ...]
    numbers: tuple[int, ...]


@cache
def _belonging(split: Split) -> _Belonging:
    data = table("world")
    names = ((s, k) for s in data["series"] for k in data["kinds"])
    people = ((f, n) for f in data["first"] for n in data["last"])
    return _Belonging(
        tuple(pair for pair in names if split_of(" ".join(pair)) == split),
        tuple(pair for pair in people if split_of(" ".join(pair)) == split),
        tuple(n for n in range(1000, 10000) if split_of(str(n)) == split),
    )


class World:
    """The shop as one split may see it: a source of products, people and orders.

    All methods take the caller's generator, so a draw is a function of that generator's state and of `split` alone.
    """

    def __init__(self, split: Split = "train") -> None:
        self.split: Split = split
        data = table("world")
        self._names, self._people, self._numbers = _belonging(split)
        self.cities: list[str] = data["cities"]
        self.carriers: list[str] = data["carriers"]
        self.weekdays: list[str] = data["weekdays"]
        self.months: list[str] = data["months"]
        self.colours: list[str] = data["colours"]
        self.agents: list[str] = data["agents"]

    def product(self, rng: random.Random, *, electric: bool | None = None, category: str | None = None) -> Product:
        """Draw a product of this split, optionally of one category or (not) electric."""
        while True:
            found = product(*rng.choice(self._names))
            if electric in (None, found.electric) and category in (None, found.category):
                return found

    def products(self, rng: random.Random, n: int) -> list[Product]:
        """Draw n products of different kinds and different series."""
        found: list[Product] = []
        while len(found) < n:
            one = self.product(rng)
            if all(one.kind != p.kind and one.series != p.series for p in found):
                found.append(one)
        return found

    def person(self, rng: random.Random) -> Person:
        """Draw a customer whose full name belongs to this split."""
        first, last = rng.choice(self._people)
        return Person(first, last, self.cities[crc32(f"{first} {last}".encode()) // 7 % len(self.cities)])

    def number(self, rng: random.Random) -> int:
        """Draw a four-digit order number of this split."""
        return rng.choice(self._numbers)

    def day(self, rng: random.Random) -> str:
        """Draw a date such as "12 May"."""
        return f"{rng.randint(2, 27)} {rng.choice(self.months)}"

    def order(self, rng: random.Random, *, status: str | None = None) -> Order:
        """Draw an order of this split; its facts follow from its number, except that `status` may be chosen."""
        found = self.order_of(self.number(rng))
        return found if status is None else replace(found, status=status)

    def order_of(self, number: int) -> Order:
        """Return the order with this number."""
        rng = random.Random(f"{SHOP_SEED}/order/{number}")
        items = self.products(rng, 2)[: rng.choice((1, 1, 2))]
        month = rng.randrange(12)
        day = rng.randint(1, 20)
        return Order(
            number=number,
            customer=self.person(rng),
            lines=tuple(OrderLine(p, rng.choice((1, 1, 1, 2, 3, 4))) for p in items),
            status=rng.choice(STATUSES),
            carrier=rng.choice(self.carriers),
            placed=f"{day} {self.months[month]}",
            due=f"{day + rng.randint(2, 8)} {self.months[month]}",
            weekday=rng.choice(self.weekdays[:6]),
        )
