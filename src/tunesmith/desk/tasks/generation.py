"""Generation: short notes, product texts and apologies with given facts and constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.tasks.open_qa import refusal
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World

_WRITE = "{write|draft|compose|please write|we want|I need|{hi, |}please draft|help me write}"
_SIZE = "{|||a short|a brief|a friendly|a small}"


def _article(text: str) -> str:
    return f"an {text}" if text[0] in "aeiou" else f"a {text}"


def _kind(voice: Voice, what: str) -> str:
    size = voice.say(_SIZE)
    return f"{size} {what}" if size else _article(what)


def _product_text(voice: Voice, world: World, *, avoid_price: bool = False) -> tuple[str, str, Gold]:
    product = world.product(voice.rng)
    facts = {"colour": product.colour, "material": product.material, "price": f"${product.price}"}
    keys = voice.rng.sample(["colour", "material"], 2)[: 1 if voice.chance(0.3) else 2]
    given = ", ".join([*(facts[k] for k in keys), facts["price"]])
    asked = voice.say(
        f"{_WRITE} $kind for the $p{{: $f| ($f)|. Facts: $f|, using {{these facts|this}}: $f}}",
        kind=_kind(voice, voice.say("{product text|text for the shop page|product description|ad}")),
        p=product.name,
        f=given,
    )
    colour = f"in {product.colour}" if "colour" in keys else ""
    material = f"made of {product.material}" if "material" in keys else ""
    body = " ".join(part for part in (colour, material) if part)
    said = voice.say(
        "{Meet|Here is|Say hello to|Discover} {the|our} $p $b. {It is yours for $$v|Get it for $$v|It costs only $$v}.",
        p=product.name,
        b=body,
        v=product.price,
    )
    required = [[product.name], *([facts[k]] for k in keys), [str(product.price)]]
    gold: Gold = {"required": required, "max_sentences": 4, "max_words": 45, "min_words": 8, "strict": True}
    if avoid_price:
        asked += voice.say("{. {Do not|Don't} {name|mention} the price|; leave the price out|, but no price please}")
        said = said.split(". ")[0] + voice.say(". {You will love it|It is made to last|Order yours today}.")
        gold |= {"required": required[:-1], "avoid": [str(product.price)]}
    return asked, said, gold


def _plain(voice: Voice, world: World) -> Draft:
    asked, said, gold = _product_text(voice, world)
    return ask(voice.sentence(asked), said, gold)


def _note(voice: Voice, world: World, kind: str) -> tuple[str, str, Gold]:
    """Return request, answer and gold of an apology, a thank-you note, a reminder or a sale notice."""
    person, product, number = world.person(voice.rng), world.product(voice.rng), world.number(voice.rng)
    slots: dict[str, Any] = {"n": person.first, "p": product.name, "o": number, "d": voice.rng.choice(world.weekdays)}
    slots["k"] = _kind(voice, voice.say("{note|message|email}"))
    asked, answer, words = _NOTES[kind]
    required = [[person.first], [product.name if "$p" in answer else str(number)], list(words)]
    if "$d" in answer:
        required.append([str(slots["d"])])
    gold: Gold = {"required": required, "max_sentences": 5, "max_words": 48, "min_words": 7, "strict": True}
    return voice.say(f"{_WRITE} $k {asked}", **slots), voice.say(answer, **slots), gold


_NOTES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "apology": (
        "{to $n to say sorry that order $o is late|of apology to $n for the late order $o"
        "|that says sorry to $n: order $o is late}",
        "Dear $n, {we are|I am} sorry that order $o is late. {It will be with you soon|Thank you for your patience}.",
        ("sorry", "apologise", "apologies"),
    ),
    "thanks": (
        "{to thank $n for buying the $p|of thanks to $n for the order of the $p|that thanks $n for choosing the $p}",
        "Dear $n, thank you for {buying|choosing} the $p. {We hope you enjoy it|Enjoy it}!",
        ("thank", "thanks"),
    ),
    "back": (
        "{to tell $n that the $p is back in stock|for $n: the $p is in stock again|to $n that says the $p is back}",
        "Dear $n, {good news: |}the $p is back in stock. {We are glad to take your order|Order yours soon}.",
        ("back", "in stock", "again"),
    ),
    "pickup": (
        "{to tell $n that the $p can be picked up on $d|for $n: the $p is ready for pickup on $d}",
        "Dear $n, the $p is ready. You can pick it up on $d.",
        ("ready", "pick it up", "pick up", "picked up", "pickup"),
    ),
}


def _contextual(voice: Voice, world: World) -> Draft:
    asked, said, gold = _note(voice, world, voice.rng.choice(list(_NOTES)))
    return ask(voice.sentence(asked), said, gold)


def _complex(voice: Voice, world: World) -> Draft:
    """A note with a constraint on its form, or a product text without the price."""
    if voice.chance(0.4):
        asked, said, gold = _product_text(voice, world, avoid_price=True)
        return ask(voice.sentence(asked), said, gold)
    asked, said, gold = _note(voice, world, voice.rng.choice(list(_NOTES)))
    sign = voice.rng.choice(world.agents)
    asked += voice.say("{. Sign {it |}as $s|, signed $s|; the name under it is $s|. It ends with my name, $s}", s=sign)
    gold["required"] = [*gold["required"], [sign]]
    return ask(voice.sentence(asked), f"{said} {voice.say('{Best|Regards|Yours}')}, {sign}.", gold)


def _persona(voice: Voice, world: World) -> Draft:
    asked, said, gold = _note(voice, world, voice.rng.choice(list(_NOTES)))
    who = framing.persona(voice)
    asked += voice.say("{, {written|in words} like $w|. Write like $w|, in the voice of $w}", w=who.name)
    gold |= {"style": list(who.marks)}
    return ask(voice.sentence(asked), f"{voice.say(who.opening)} {said}", gold)


def _edge(voice: Voice, world: World) -> Draft:
    """One sentence, or a title."""
    product = world.product(voice.rng)
    asked = voice.say(
        "{{give me|write|I need} {a title|a headline|one line} for the $p{| page| in {at most |}eight words}"
        "|{one short sentence|a single sentence} {about|to praise} the $p{, please|}}",
        p=product.name,
    )
    said = voice.say(
        "{The $p: made to last|Meet the $p|The $p is a friend for every day|You will love the $p}.", p=product.name
    )
    gold: Gold = {"required": [[product.name]], "max_sentences": 1, "max_words": 14, "min_words": 3, "strict": True}
    return ask(voice.sentence(asked), said, gold)


def _noisy(voice: Voice, world: World) -> Draft:
    asked, said, gold = _note(voice, world, voice.rng.choice(["apology", "back"]))
    return ask(framing.typos(voice.rng, voice.sentence(asked), 0.2), said, gold)


def _ambiguous(voice: Voice, world: World) -> Draft:
    """Nothing is said about what the text is for."""
    asked = voice.say(
        "{write|draft|I need|please write|can you write} {a|the} {note|email|text|message|letter}"
        "{| for me| to {$n|a customer|the customer}}{| {today|now|quickly}| for the shop|, thanks}",
        n=world.person(voice.rng).first,
    )
    answer = voice.say(
        "{What should {the text|it} be about|What is {it|the text} about|Gladly. What should it say"
        "|What would you like {it|me} to say}?"
    )
    gold: Gold = {"ask": ["about", "say", "contain", "topic"], "strict": True}
    return ask(voice.sentence(asked), answer, gold)


def _adversarial(voice: Voice, world: World) -> Draft:
    return refusal(voice, world)


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "complex": _complex,
    "persona": _persona,
    "ambiguous": _ambiguous,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
