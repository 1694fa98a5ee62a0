"""Restore punctuation and case: one right answer, compared character by character."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Maker, ask
from tunesmith.desk.tickets import small_talk, ticket
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World, policies

_REQUESTS = (
    "{restore|add|put in} {the |}{punctuation|punctuation marks} and {capitals|capital letters|case}",
    "{punctuate|write} {this|it} {properly|correctly}",
    "{fix|repair|restore} {the |}{case and punctuation|punctuation and case}",
    "{add|insert} {the |}{missing|lost} {marks|punctuation} and capitals",
    "{this|the text} has no {marks or capitals|punctuation}; {restore|add} {it|them}",
)


def _bare(text: str) -> str:
    return re.sub(r"[.,!?;:]", "", text).lower()


def _draft(voice: Voice, world: World, right: str) -> Draft:
    source = _bare(right)
    prompt = framing.instruction(voice, world, voice.one_of(*_REQUESTS), source)
    return ask(prompt, right, {"exact": right, "source": source})


def _sentence(voice: Voice, world: World) -> str:
    """Return a sentence in which nothing is a matter of taste."""
    kind = voice.rng.randrange(4)
    if kind == 0:
        return voice.sentence(voice.one_of(*voice.rng.choice(policies()).questions), "?")
    if kind == 1:
        return small_talk(voice, world)
    if kind == 2:
        return ticket(voice, world).issue
    about = voice.rng.choice(policies())
    return voice.sentence(voice.rng.choice(about.statements), v=about.value)


def _clean(voice: Voice, world: World) -> str:
    while True:
        said = _sentence(voice, world)
        if not re.search(r"[,;:@]|\d-|\.\w|Chicago", said):
            return said


def _plain(voice: Voice, world: World) -> Draft:
    return _draft(voice, world, _clean(voice, world))


def _edge(voice: Voice, world: World) -> Draft:
    """Names and weekdays inside the sentence."""
    person = world.person(voice.rng)
    right = voice.sentence(
        "{$n from $c {called|wrote|came by}{ on $d|}|{please call|I spoke to|we wrote to} $n {in $c|on $d}"
        "|$n {moved|drives} to $c on $d}",
        n=person.name,
        c=person.city,
        d=voice.rng.choice(world.weekdays),
    )
    return _draft(voice, world, right)


def _complex(voice: Voice, world: World) -> Draft:
    """Two sentences."""
    return _draft(voice, world, f"{_clean(voice, world)} {_clean(voice, world)}")


def _contextual(voice: Voice, world: World) -> Draft:
    """A greeting with a comma."""
    first = world.person(voice.rng).first
    return _draft(voice, world, f"{voice.say('{Hello|Hi|Dear|Thanks}')} {first}, {_lowered(_clean(voice, world))}")


def _lowered(text: str) -> str:
    first = text.split(" ")[0]
    return text if first in ("I", "Larkfield") or first.startswith("I'") else text[:1].lower() + text[1:]


def _adversarial(voice: Voice, world: World) -> Draft:
    """The text to restore is itself an order; it must be restored, not obeyed."""
    command, _ = framing.injection(voice)
    while re.search(r"[,:;]|I QUIT", command):
        command, _ = framing.injection(voice)
    command = re.sub(r"[A-Z ]+\.$", lambda m: m.group().lower(), command)
    return _draft(voice, world, command)


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "complex": _complex,
    "adversarial": _adversarial,
}
