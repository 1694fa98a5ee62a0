"""Brainstorming: a list of so many ideas on a theme."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World, table

_NUMBERS = {2: "two", 3: "three", 4: "four"}
_STOP = {"a", "an", "the", "of", "for", "in", "on", "to", "with", "is", "did", "you", "your", "was", "it", "set", "new"}


def _words(items: list[str]) -> list[str]:
    return sorted({w for item in items for w in re.findall(r"[a-z]+", item.lower())} - _STOP)


def _theme(voice: Voice) -> dict[str, Any]:
    row: dict[str, Any] = voice.rng.choice(table("tickets")["ideas"])
    return row


def _listed(voice: Voice, items: list[str], *, numbered: bool) -> str:
    return "\n".join(f"{i}. {item}" if numbered else f"- {item}" for i, item in enumerate(items, 1))


def _request(voice: Voice, n: int, what: str) -> str:
    return voice.say(
        "{{give me|I need|suggest|think of|list|name|find|can you list|please give me|we need} $n $w"
        "|what are $n {good |}$w|$n $w{, please|}|help me {find|with} $n $w|brainstorm: $n $w}",
        n=_NUMBERS[n] if voice.chance(0.6) else n,
        w=what,
    )


def _gold(row: dict[str, Any], n: int) -> Gold:
    return {"items": n, "pool": _words(row["items"]), "open": True}


def _finish(voice: Voice, world: World, asked: str, row: dict[str, Any], n: int, *, numbered: bool = False) -> Draft:
    answer = _listed(voice, voice.rng.sample(row["items"], n), numbered=numbered)
    end = "?" if asked.startswith(("what", "can")) else "."
    first = world.person(voice.rng).first
    opening = voice.say(
        "{||||Hi! |Hello. |Hey team! |It is $f here. |We are stuck. |I ask for $f. |It is for a meeting. }", f=first
    )
    closing = voice.say(
        "{|||| Thanks!| Short ones, please.| One per line.| It is for $f.| I have no idea.| Be quick.}", f=first
    )
    return ask(f"{opening}{voice.sentence(asked, end)}{closing}", answer, _gold(row, n))


def _plain(voice: Voice, world: World) -> Draft:
    row, n = _theme(voice), voice.rng.choice((2, 3, 3))
    return _finish(voice, world, _request(voice, n, voice.say(row["what"])), row, n)


def _edge(voice: Voice, world: World) -> Draft:
    """A single idea, without a list."""
    row = _theme(voice)
    what = re.sub(r"^(\{?)(\w+?)s\b", r"\1\2", voice.say(row["what"]))
    asked = voice.say(
        "{{just|only} one|give me one|I need {a single|just one}|name one} {idea, on this theme: "
        "|idea. Theme: |suggestion: }$w",
        w=what,
    )
    answer = voice.rng.choice(row["items"])
    return ask(voice.sentence(asked), f"- {answer}", _gold(row, 1))


def _complex(voice: Voice, world: World) -> Draft:
    """Numbered, and with one idea that is taken already."""
    row, n = _theme(voice), voice.rng.choice((2, 3))
    taken = voice.rng.choice(row["items"])
    asked = _request(voice, n, voice.say(row["what"]))
    asked += voice.say("{, but not|, other than|, apart from|; we {already |}have} $t", t=taken.rstrip("?"))
    asked += voice.say("{. Number {them|the list}|. Use numbers|, as a numbered list}")
    items = voice.rng.sample([i for i in row["items"] if i != taken], n)
    gold = _gold(row, n) | {"avoid": [taken.rstrip("?")], "numbered": True}
    return ask(voice.sentence(asked), _listed(voice, items, numbered=True), gold)


def _contextual(voice: Voice, world: World) -> Draft:
    row, n = _theme(voice), voice.rng.choice((2, 3))
    person = world.person(voice.rng)
    story = voice.sentence(
        "{I have a meeting with $n {today|on $d}|$n {asked me|called} {today|on $d}"
        "|I work with $n {in the store|at the desk}"
        "|my {colleague|friend} $n {is ill|has no time} {today|on $d}}",
        n=person.first,
        d=voice.rng.choice(world.weekdays),
    )
    asked = _request(voice, n, voice.say(row["what"]))
    said = voice.sentence(asked, "?" if asked.startswith(("what", "can")) else ".")
    prompt = f"{story} {said}" if voice.chance(0.7) else f"{said} {story}"
    return ask(prompt, _listed(voice, voice.rng.sample(row["items"], n), numbered=False), _gold(row, n))


def _noisy(voice: Voice, world: World) -> Draft:
    row, n = _theme(voice), 3
    draft = _finish(voice, world, _request(voice, n, voice.say(row["what"])), row, n)
    return ask(framing.typos(voice.rng, draft.prompt[0].content, 0.25), draft.answer, draft.gold)


def _adversarial(voice: Voice, world: World) -> Draft:
    row, n = _theme(voice), voice.rng.choice((2, 3))
    draft = _finish(voice, world, _request(voice, n, voice.say(row["what"])), row, n)
    angry = voice.sentence(framing.angry(voice), "!")
    return ask(f"{angry} {draft.prompt[0].content}", draft.answer, draft.gold)


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "complex": _complex,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
