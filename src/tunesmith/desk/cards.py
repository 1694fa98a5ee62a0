"""Product and order cards as they are pasted into prompts, and what can be asked of each of their fields."""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.desk.wording import Voice
from tunesmith.desk.world import Order, Product


class Field(NamedTuple):
    """One attribute: its label on a card, its prose clause, and wordings for `Voice.say` ($p product, $v value)."""

    label: str
    prose: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    claims: tuple[str, ...]


PRODUCT_FIELDS: dict[str, Field] = {
    "price": Field(
        "{price|cost}",
        "costs $v",
        ("what does the $p cost", "how much is the $p", "what is the price of the $p", "how much do I pay for the $p"),
        ("The $p costs $v.", "It costs $v.", "The price is $v."),
        ("costs $v", "is sold for $v"),
    ),
    "colour": Field(
        "{colour|colours}",
        "is $v",
        ("what colour is the $p", "which colour does the $p have", "in what colour does the $p come"),
        ("The $p is $v.", "It is $v.", "The colour is $v."),
        ("is $v", "comes in $v"),
    ),
    "material": Field(
        "{material|made of}",
        "is made of $v",
        ("what is the $p made of", "which material is the $p", "what material is used for the $p"),
        ("The $p is made of $v.", "It is made of $v."),
        ("is made of $v",),
    ),
    "weight": Field(
        "weight",
        "weighs $v",
        ("how heavy is the $p", "what does the $p weigh", "what is the weight of the $p", "how much does the $p weigh"),
        ("The $p weighs $v.", "It weighs $v."),
        ("weighs $v",),
    ),
    "stock": Field(
        "{stock|in stock}",
        "has a stock of $v",
        ("how many of the $p are left", "how many of the $p do you have", "what is the stock of the $p"),
        ("We have $v in stock.", "There are $v left.", "The stock is $v."),
        ("has a stock of $v",),
    ),
}
ORDER_FIELDS: dict[str, Field] = {
    "status": Field(
        "status",
        "is $v",
        ("what is the status of order $n", "how is order $n doing", "what has happened to order $n"),
        ("Order $n is $v.", "The status is: $v.", "It is $v."),
        ("is $v",),
    ),
    "carrier": Field(
        "{carrier|sent with}",
        "travels with $v",
        ("who delivers order $n", "which carrier has order $n", "who brings order $n", "what carrier takes order $n"),
        ("$v delivers it.", "Order $n travels with $v.", "The carrier is $v."),
        ("travels with $v", "comes with $v"),
    ),
    "due": Field(
        "{due|arrives}",
        "is due on $v",
        ("when does order $n arrive", "when is order $n due", "on what day will order $n come"),
        ("Order $n is due on $v.", "It is due on $v.", "It should arrive on $v."),
        ("is due on $v", "arrives on $v"),
    ),
    "city": Field(
        "{city|goes to}",
        "goes to $v",
        ("where does order $n go", "to which city does order $n go", "what is the city of order $n"),
        ("Order $n goes to $v.", "It goes to $v."),
        ("goes to $v",),
    ),
    "item": Field(
        "{item|product}",
        "holds the $v",
        ("what is in order $n", "which product is in order $n", "what item does order $n hold"),
        ("Order $n holds the $v.", "It is the $v."),
        ("holds the $v",),
    ),
}


def product_values(product: Product) -> dict[str, str]:
    """Return what each of `PRODUCT_FIELDS` reads for this product."""
    return {
        "price": f"${product.price}",
        "colour": product.colour,
        "material": product.material,
        "weight": product.weight,
        "stock": str(product.stock),
    }


def order_values(order: Order) -> dict[str, str]:
    """Return what each of `ORDER_FIELDS` reads for this order."""
    return {
        "status": order.status,
        "carrier": order.carrier,
        "due": order.due,
        "city": order.customer.city,
        "item": order.product.name,
    }


def card(voice: Voice, title: str, fields: dict[str, Field], values: dict[str, str]) -> str:
    """Return the chosen values, in their order, as one card: labelled lines, a table row, or prose."""
    style = voice.rng.randrange(4)
    if style == 0:
        clauses = [voice.say(fields[key].prose, v=value) for key, value in values.items()]
        head = ", ".join(clauses[:-1])
        return f"{title} {head} and {clauses[-1]}." if head else f"{title} {clauses[0]}."
    cells = [(voice.say(fields[key].label), value) for key, value in values.items()]
    if style == 1:
        return f"{title} | " + " | ".join(f"{name}: {value}" for name, value in cells)
    if style == 2:
        return f"{title}: " + ", ".join(f"{name} {value}" for name, value in cells) + "."
    return f"{title}\n" + "\n".join(f"{name}: {value}" for name, value in cells)


def accepted(value: str) -> list[str]:
    """Return the ways in which an answer may write a card's value; a price needs no currency sign."""
    return [value.removeprefix("$")]
