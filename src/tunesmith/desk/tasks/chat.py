"""Conversations of several turns: what was said before decides what the last question means."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.desk import framing
from tunesmith.desk.cards import ORDER_FIELDS, PRODUCT_FIELDS, accepted, card, order_values, product_values
from tunesmith.desk.draft import Draft, Gold, Maker
from tunesmith.desk.draft import chat as talk
from tunesmith.desk.tasks.open_qa import refusal
from tunesmith.desk.tickets import ticket
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World, policies

_ORDER_AGAIN = {
    "status": ("{how is it doing|what is its status|and the status|what has happened to it}", "It is $v."),
    "carrier": (
        "{who brings it|who delivers it|which carrier is it|and the carrier}",
        "{$v brings it|The carrier is $v}.",
    ),
    "due": ("{when does it arrive|when is it due|and when does it come}", "It is due on $v."),
    "city": ("{where does it go|and to which city}", "It goes to $v."),
    "item": ("{what is in it|which item is it}", "It holds the $v."),
}
_GREETING = "{Hi|Hello|Good morning|Hey|Good evening}{! How can I help|, how can I help you|. What can I do for you}?"


def _plain(voice: Voice, world: World) -> Draft:
    """An order card in the system message; the question says only "it"."""
    order = world.order(voice.rng)
    known = order_values(order)
    keys = voice.rng.sample(list(known), 3)
    pasted = card(voice, f"Order {order.number}", ORDER_FIELDS, {k: known[k] for k in keys})
    asked, answer = _ORDER_AGAIN[keys[0]]
    opener = voice.sentence(
        "{{it is about|I have a question about|hello, this is about} {order |number |}|my order is }$n", n=order.number
    )
    reply = voice.say("{I see it|Thanks, I have it here|Found it}. What would you like to know?")
    turns = [opener, reply, voice.sentence(asked, "?")]
    gold: Gold = {"required": [accepted(known[keys[0]])], "strict": True}
    return talk(turns, voice.say(answer, v=known[keys[0]]), gold, context=pasted, system=pasted)


def _contextual(voice: Voice, world: World) -> Draft:
    """Two products were named; the last question is about the one the customer chose."""
    first, second = world.products(voice.rng, 2)
    chosen = voice.rng.choice((first, second))
    key = voice.rng.choice(["price", "colour", "material"])
    value, other = (product_values(p)[key] for p in (chosen, second if chosen is first else first))
    if value == other:
        return _contextual(voice, world)
    rows = "; ".join(f"{p.name}: {product_values(p)[key]}" for p in (first, second))
    opener = voice.sentence(
        "{I am looking for|I need|show me} {a {nice |}gift|something for $f|something nice}{ in your shop|, please|}",
        f=world.person(voice.rng).first,
    )
    pick = voice.say("{I like the $p.|The $p, please.|I take the $p.|Let us say the $p.}", p=chosen.name)
    asked = {"price": "{what does it cost|how much is it}", "colour": "{what colour is it|which colour is that}",
             "material": "{what is it made of|which material is it}"}[key]  # fmt: skip
    answer = voice.one_of(*PRODUCT_FIELDS[key].answers, p=chosen.name, v=value)
    gold: Gold = {"required": [accepted(value)], "forbidden": accepted(other), "strict": True}
    turns = [opener, f"We have: {rows}.", f"{pick} {voice.sentence(asked, '?')}"]
    return talk(turns, answer, gold, context=rows)


def _ambiguous(voice: Voice, world: World) -> Draft:
    """The customer's own order, without its number."""
    asked = voice.say(
        "{where is my {order|parcel|package|$p}|has my {order|parcel|$p} {shipped|left|been sent}|when {does"
        "|will} my {order|parcel|$p} {arrive|come}"
        "|{can you|please} cancel my {order|$p}|I want to change my {order|order of the $p}}",
        p=world.product(voice.rng).name,
    )
    end = "?" if asked.startswith(("wh", "has", "can")) else "."
    answer = voice.say(
        "{What is your order number?|Please {send|tell} me your order number.|{Gladly"
        "|Of course}. What is {the|your} order number?"
        "|I need {the|your} order number. What is it?}"
    )
    gold: Gold = {"ask": ["order number", "number"], "strict": True}
    if voice.chance(0.5):
        return talk([framing.question(voice, world, asked) if end == "?" else voice.sentence(asked)], answer, gold)
    hello = voice.say("{Hi|Hello|Hey|Good morning}{.|!| there.}")
    return talk([hello, voice.say(_GREETING), voice.sentence(asked, end)], answer, gold)


def _negative(voice: Voice, world: World) -> Draft:
    """The customer remembers a policy wrongly after hearing it."""
    about = voice.rng.choice(policies())
    stated = voice.sentence(voice.rng.choice(about.statements), v=about.value)
    claim = voice.one_of(*about.claims, v=voice.rng.choice(about.wrong))
    turns = [
        voice.sentence(voice.one_of(*about.questions), "?"),
        stated,
        voice.sentence("{so|great, so|good:|then|ah, so} $c{, right|, yes|. Correct|. Is that right}", "?", c=claim),
    ]
    said = voice.say(voice.rng.choice(about.statements), v=about.value)
    answer = voice.say("{No, sorry: |Not quite: |That is not right: |I am afraid not: }$s.", s=said)
    gold: Gold = {
        "required": [[about.value, *about.accept]],
        "forbidden": list(about.wrong),
        "correct": True,
        "strict": True,
    }
    return talk(turns, answer, gold)


def _interleaved(voice: Voice, world: World) -> Draft:
    """The name was given at the start; the agent must still know it."""
    person, product = world.person(voice.rng), world.product(voice.rng)
    opener = voice.sentence(
        "{my name is|I am|this is} $n{| and I {bought|ordered} the $p|. I like the $p}", n=person.first, p=product.name
    )
    about = voice.rng.choice(policies())
    turns = [
        opener,
        voice.say("{Nice to meet you|Hello}, $n. How can I help?", n=person.first),
        voice.sentence(voice.one_of(*about.questions), "?"),
        voice.sentence(voice.rng.choice(about.statements), v=about.value),
        voice.say("{Thanks. |OK. |Good. |}{Do you {still |}know|Do you remember|What is|Can you say} my name?"),
    ]
    answer = voice.say("{Your name is $n|You are $n|Of course, you are $n}.", n=person.first)
    return talk(turns, answer, {"required": [[person.first]], "max_words": 16, "strict": True})


def _edge(voice: Voice, world: World) -> Draft:
    """Thanks and goodbyes: a kind word, nothing else."""
    about = voice.rng.choice(policies())
    first = world.person(voice.rng).first
    last = voice.say(
        "{{Thanks|Thank you}{| a lot| so much|, that helps}{!|.}{| {Bye|Goodbye}!}|{Great|Perfect}, {thanks"
        "|that is all}.|{Bye|Goodbye} and thanks, $f.}",
        f=first,
    )
    turns = [
        voice.sentence(voice.one_of(*about.questions), "?"),
        voice.sentence(voice.rng.choice(about.statements), v=about.value),
        last,
    ]
    answer = voice.say("{You are welcome{!|.}|Gladly!|My pleasure.|You are welcome, {goodbye|have a nice day}!}")
    gold: Gold = {
        "required": [["welcome", "gladly", "pleasure", "goodbye", "nice day", "bye", "glad"]],
        "max_words": 16,
        "strict": True,
    }
    return talk(turns, answer, gold)


def _persona(voice: Voice, world: World) -> Draft:
    about = voice.rng.choice(policies())
    who = framing.persona(voice)
    turns = [
        voice.sentence(framing.persona_request(voice, who) + voice.say("{| from now on|, will you}")),
        voice.say(f"{who.opening} {{Ask me anything.|What do you want to know?|How can I help?}}"),
        voice.sentence(voice.one_of(*about.questions), "?"),
    ]
    said = voice.sentence(voice.rng.choice(about.statements), v=about.value)
    gold: Gold = {
        "required": [[about.value, *about.accept]],
        "forbidden": list(about.wrong),
        "style": list(who.marks),
        "strict": True,
    }
    return talk(turns, framing.in_persona(voice, who, said), gold)


def _noisy(voice: Voice, world: World) -> Draft:
    draft = _plain(voice, world)
    turns = [m.content for m in draft.prompt[1:]]
    turns[-1] = framing.typos(voice.rng, turns[-1])
    return talk(turns, draft.answer, draft.gold, context=draft.context, system=draft.prompt[0].content)


def _complex(voice: Voice, world: World) -> Draft:
    """A complaint: show regret, name the product, ask for the order number."""
    case = ticket(voice, world)
    hello = voice.say("{Hi|Hello|Good morning|Hey}{.|!}")
    turns = [hello, voice.say(_GREETING), f"{case.issue} {case.wish}"]
    answer = voice.say(
        "{I am sorry about|Sorry to hear about} {the|your} $p. {What is|Please tell me} your order number{?|.}",
        p=case.product.name,
    )
    answer = answer.replace("What is your order number.", "What is your order number?")
    gold: Gold = {"required": [["sorry", "regret", "apologise", "apologies"], [case.product.name, case.product.kind]],
                  "ask": ["order number", "number"], "strict": True}  # fmt: skip
    return talk(turns, answer, gold)


def _adversarial(voice: Voice, world: World) -> Draft:
    inner = refusal(voice, world)
    hello = voice.say("{Hi|Hello|Hey you|Listen}{.|!}")
    return talk([hello, voice.say(_GREETING), inner.prompt[0].content], inner.answer, inner.gold)


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "negative": _negative,
    "persona": _persona,
    "complex": _complex,
    "ambiguous": _ambiguous,
    "interleaved": _interleaved,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
