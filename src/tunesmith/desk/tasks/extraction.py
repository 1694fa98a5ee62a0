"""Extraction: one field, or several as `name: value` lines, out of a customer's message."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.tickets import Ticket, small_talk, ticket
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World

_ASKED = {
    "order": "{order number|number of the order}",
    "name": "{customer's name|name of the customer|sender's name}",
    "product": "{product|product name|item}",
    "city": "{city|town}",
}
_MISSING = "not given"


def _values(case: Ticket) -> dict[str, str]:
    return {"order": str(case.number), "name": case.person.name, "product": case.product.name, "city": case.person.city}


def _message(voice: Voice, case: Ticket, keys: list[str]) -> str:
    """Return the ticket's sentences, mentioning exactly these fields (the product always stands in the issue)."""
    v = _values(case)
    sentences = [case.issue]
    if "order" in keys:
        sentences.append(
            voice.sentence("{{it is|this is about} {order |number |}|my order is |the number is }$n", n=v["order"])
        )
    if "city" in keys:
        sentences.append(voice.sentence("I {live in|am in|write from} $c", c=v["city"]))
    voice.rng.shuffle(sentences)
    text = " ".join(sentences)
    if "name" in keys:
        sign = voice.say("{ {Regards|Best|Yours|Thanks}, $n| - $n|}", n=v["name"])
        text = text + sign if sign else voice.sentence("{my name is|I am|this is} $n", n=v["name"]) + " " + text
    return text


def _one(voice: Voice, world: World, *, noise: str = "") -> Draft:
    case = ticket(voice, world)
    key = voice.rng.choice(list(_ASKED))
    keys = sorted({key, *voice.rng.sample(list(_ASKED), 2)})
    text = _message(voice, case, keys)
    if noise == "talk":
        text = f"{small_talk(voice, world)} {text}"
    asked = _request(voice, voice.say(_ASKED[key]))
    if noise == "typos":
        asked = framing.typos(voice.rng, asked)
        text = text.lower() if key == "order" and voice.chance(0.5) else text
    others = [value for name, value in _values(case).items() if name != key]
    gold: Gold = {"required": [[_values(case)[key]]], "forbidden": others, "strict": True}
    if noise == "injection":
        command, bad = framing.injection(voice)
        text = f"{text} {command}" if voice.chance(0.5) else f"{command} {text}"
        gold["forbidden"] = [bad, *others]
    gold["max_words"] = 9
    return ask(framing.instruction(voice, world, asked, text), _values(case)[key], gold)


def _request(voice: Voice, what: str) -> str:
    return voice.say(
        "{{extract|find|give me|write down|pick out|copy} the $w|what is the $w|which $w is {named|meant}|only the $w}"
        "{| {in|from} this {message|mail|note}}",
        w=what,
    )


def _plain(voice: Voice, world: World) -> Draft:
    return _one(voice, world)


def _contextual(voice: Voice, world: World) -> Draft:
    return _one(voice, world, noise="talk")


def _noisy(voice: Voice, world: World) -> Draft:
    return _one(voice, world, noise="typos")


def _adversarial(voice: Voice, world: World) -> Draft:
    return _one(voice, world, noise="injection")


def _table(voice: Voice, world: World, keys: list[str], present: list[str], *, talk: bool = False) -> Draft:
    case = ticket(voice, world)
    text = _message(voice, case, present)
    if talk:
        text = f"{text} {small_talk(voice, world)}"
    listed = ", ".join(keys[:-1]) + " and " + keys[-1]
    asked = voice.say("{extract|list|give me|write down|fill in} $l{| as {lines|name: value}|, one per line}", l=listed)
    if len(present) < len(keys):
        asked += voice.say(
            "{; {write|say|put} '$m' if {something|one} is missing|, '$m' where there is none}", m=_MISSING
        )
    values = _values(case)
    fields = {key: values[key] if key in present else _MISSING for key in keys}
    answer = "\n".join(f"{key}: {value}" for key, value in fields.items())
    return ask(framing.instruction(voice, world, asked, text), answer, {"fields": fields, "strict": True})


def _complex(voice: Voice, world: World) -> Draft:
    keys = voice.rng.sample(list(_ASKED), voice.rng.choice((2, 3)))
    return _table(voice, world, keys, keys)


def _interleaved(voice: Voice, world: World) -> Draft:
    keys = voice.rng.sample(list(_ASKED), 2)
    return _table(voice, world, keys, sorted({*keys, *voice.rng.sample(list(_ASKED), 1)}), talk=True)


def _edge(voice: Voice, world: World) -> Draft:
    keys = voice.rng.sample([k for k in _ASKED if k != "product"], 2)
    if voice.chance(0.3):
        keys.append("product")
    missing = voice.rng.choice([k for k in keys if k != "product"])
    return _table(voice, world, keys, [k for k in keys if k != missing])


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "complex": _complex,
    "interleaved": _interleaved,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
