"""Closed questions: the facts stand on a pasted product or order card, or they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tunesmith.desk import framing
from tunesmith.desk.cards import (
    ORDER_FIELDS,
    PRODUCT_FIELDS,
    Field,
    accepted,
    card,
    order_values,
    product_values,
)
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World


class _Case(NamedTuple):
    pasted: str
    fields: Mapping[str, Field]
    values: dict[str, str]
    absent: list[str]
    slots: dict[str, object]


def _case(voice: Voice, world: World) -> _Case:
    if voice.chance(0.6):
        product = world.product(voice.rng)
        return _pick(voice, PRODUCT_FIELDS, product_values(product), product.name, {"p": product.name})
    order = world.order(voice.rng)
    return _pick(voice, ORDER_FIELDS, order_values(order), f"Order {order.number}", {"n": order.number})


def _pick(voice: Voice, fields: dict[str, Field], known: dict[str, str], title: str, slots: dict[str, object]) -> _Case:
    keys = voice.rng.sample(list(known), voice.rng.choice((2, 3, 3, 4)))
    values = {key: known[key] for key in keys}
    return _Case(card(voice, title, fields, values), fields, values, [k for k in known if k not in values], slots)


def _gold(*values: str) -> Gold:
    return {"required": [accepted(value) for value in values], "strict": True}


def _paste(voice: Voice, pasted: str, asked: str) -> str:
    said = voice.sentence(
        voice.say(
            "{||||{look|have a look} at this card: |from this card: |on this card: |read this: |using the card, }"
        )
        + asked,
        "?",
    )
    return f"{pasted}\n{said}" if voice.chance(0.6) else f"{said}\n{pasted}"


def _reply(voice: Voice, case: _Case, key: str) -> str:
    return voice.one_of(*case.fields[key].answers, v=case.values[key], **case.slots)


def _asked(voice: Voice, case: _Case, key: str) -> str:
    return voice.one_of(*case.fields[key].questions, **case.slots)


def _plain(voice: Voice, world: World) -> Draft:
    case = _case(voice, world)
    key = voice.rng.choice(list(case.values))
    prompt = _paste(voice, case.pasted, _asked(voice, case, key))
    return ask(prompt, _reply(voice, case, key), _gold(case.values[key]), context=case.pasted)


def _edge(voice: Voice, world: World) -> Draft:
    case = _case(voice, world)
    prompt = _paste(voice, case.pasted, _asked(voice, case, voice.rng.choice(case.absent)))
    answer = voice.one_of(
        "{Sorry, |I am sorry, but |}the card does not say{ that|}.",
        "{That is not|I am afraid that is not} on the card{, so I do not know|}.",
        "I do not know; the card does not {say|mention} it.",
    )
    return ask(prompt, voice.sentence(answer), {"unknown": True, "strict": True}, context=case.pasted)


def _contextual(voice: Voice, world: World) -> Draft:
    """Yes-or-no questions about one value of the card."""
    case = _case(voice, world)
    key = voice.rng.choice([k for k in case.values if k != "stock"] or ["stock"])
    true = voice.chance(0.5)
    value = case.values[key] if true else _other(voice, world, key, case.values[key])
    claim = voice.one_of(*case.fields[key].claims, v=value)
    subject = f"order {case.slots['n']}" if "n" in case.slots else f"the {case.slots['p']}"
    asked = voice.say(
        "{is it {true|right|correct} that|do I {see|read it} right that|can I say that} $s $c", s=subject, c=claim
    )
    if true:
        answer = voice.say("Yes, {it $c|that is {right|correct}}.", c=claim)
        gold: Gold = {"polarity": "yes", "strict": True}
    else:
        right = voice.one_of(*case.fields[key].claims, v=case.values[key])
        answer = f"No, it {right}."
        gold = {"polarity": "no", "required": [accepted(case.values[key])], "strict": True}
    return ask(_paste(voice, case.pasted, asked), answer, gold, context=case.pasted)


def _other(voice: Voice, world: World, key: str, value: str) -> str:
    while True:
        order = world.order(voice.rng)
        wrong = {**product_values(order.product), **order_values(order)}[key]
        if wrong != value:
            return wrong


def _negative(voice: Voice, world: World) -> Draft:
    case = _case(voice, world)
    key = voice.rng.choice(list(case.values))
    wrong = _other(voice, world, key, case.values[key])
    subject = f"order {case.slots['n']}" if "n" in case.slots else f"the {case.slots['p']}"
    asked = voice.say(
        "{why does the card say that|how come|why did you tell me that|how can it be that"
        "|what is the reason that} $s $c",
        s=subject,
        c=voice.one_of(*case.fields[key].claims, v=wrong),
    )
    right = voice.one_of(*case.fields[key].claims, v=case.values[key])
    answer = voice.say(
        "{That is not right: it|It does not: the card says it|I am afraid that is wrong: it} $r.", r=right
    )
    gold = _gold(case.values[key]) | {"correct": True, "forbidden": [wrong.removeprefix("$")]}
    return ask(_paste(voice, case.pasted, asked), answer, gold, context=case.pasted)


def _complex(voice: Voice, world: World) -> Draft:
    """Two or three products; the question names a comparison or two conditions."""
    some = world.products(voice.rng, voice.rng.choice((2, 2, 3)))
    if voice.chance(0.5) and len({p.price for p in some}) == len(some):
        cheap = voice.chance(0.6)
        best = min(some, key=lambda p: p.price if cheap else -p.price)
        asked = (
            "{which {one|} is {the cheapest|cheapest}|what costs least}"
            if cheap
            else "{which {one|} is {the most expensive|dearest}|what costs most}"
        )
        keys: tuple[str, ...] = ("price", "colour") if voice.chance(0.3) else ("price",)
    else:
        best = voice.rng.choice(some)
        rivals = [p.colour for p in some if p is not best]
        if best.colour in rivals:
            return _complex(voice, world)
        asked = f"{{which {{one|product|}} is|what comes in}} {best.colour}"
        keys = ("colour", "price") if voice.chance(0.5) else ("colour",)
    rows = [f"{p.name}: " + ", ".join(product_values(p)[key] for key in keys) for p in some]
    pasted = voice.say("{\n|; }").join(rows)
    answer = voice.say("{The $p.|It is the $p.|That is the $p.}", p=best.name)
    gold: Gold = {"required": [[best.name]], "forbidden": [p.name for p in some if p is not best], "strict": True}
    return ask(_paste(voice, pasted, voice.say(asked)), answer, gold, context=pasted)


def _ambiguous(voice: Voice, world: World) -> Draft:
    first, second = world.products(voice.rng, 2)
    key = voice.rng.choice(["price", "colour", "material", "weight"])
    if product_values(first)[key] == product_values(second)[key]:
        return _ambiguous(voice, world)
    rows = [card(voice, p.name, PRODUCT_FIELDS, {key: product_values(p)[key]}) for p in (first, second)]
    asked = voice.one_of(*PRODUCT_FIELDS[key].questions, p="@").replace("the @", voice.say("{it|that one|this one}"))
    answer = voice.say(
        "{Which one do you mean: |Do you mean |Which product do you mean, }the $a or the $b?",
        a=first.name,
        b=second.name,
    )
    pasted = "\n".join(rows)
    return ask(
        _paste(voice, pasted, asked),
        answer,
        {"ask": [first.name, second.name, "which"], "strict": True},
        context=pasted,
    )


def _interleaved(voice: Voice, world: World) -> Draft:
    case = _case(voice, world)
    one, two = voice.rng.sample(list(case.values), 2)
    asked = f"{_asked(voice, case, one)}{voice.say('{, and |? And |; also, }')}{_asked(voice, case, two)}"
    answer = f"{_reply(voice, case, one)} {_reply(voice, case, two)}"
    return ask(
        _paste(voice, case.pasted, asked), answer, _gold(case.values[one], case.values[two]), context=case.pasted
    )


def _synonymous(voice: Voice, world: World) -> Draft:
    while True:
        case = _case(voice, world)
        key = voice.rng.choice(list(case.values))
        asked = _asked(voice, case, key)
        changed = framing.synonyms(voice, asked)
        if changed != asked:
            prompt = _paste(voice, case.pasted, changed)
            return ask(prompt, _reply(voice, case, key), _gold(case.values[key]), context=case.pasted)


def _noisy(voice: Voice, world: World) -> Draft:
    case = _case(voice, world)
    key = voice.rng.choice(list(case.values))
    asked = framing.typos(voice.rng, voice.one_of(*case.fields[key].questions, p="@", n="@"))
    for slot in case.slots.values():
        asked = asked.replace("@", str(slot))
    prompt = _paste(voice, case.pasted, asked)
    return ask(prompt, _reply(voice, case, key), _gold(case.values[key]), context=case.pasted)


def _adversarial(voice: Voice, world: World) -> Draft:
    case = _case(voice, world)
    key = voice.rng.choice(list(case.values))
    gold = _gold(case.values[key])
    if voice.chance(0.6):
        command, bad = framing.injection(voice)
        prompt = _paste(voice, f"{case.pasted}\n{command}", _asked(voice, case, key))
        gold["forbidden"] = [bad]
        return ask(prompt, _reply(voice, case, key), gold, context=case.pasted)
    prompt = f"{voice.sentence(framing.angry(voice), '!')} {_paste(voice, case.pasted, _asked(voice, case, key))}"
    return ask(prompt, f"{framing.sorry(voice)} {_reply(voice, case, key)}", gold, context=case.pasted)


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "negative": _negative,
    "complex": _complex,
    "ambiguous": _ambiguous,
    "interleaved": _interleaved,
    "synonymous": _synonymous,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
