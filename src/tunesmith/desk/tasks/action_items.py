"""Notes to action items: who does what, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.tickets import small_talk
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World, table

_REQUESTS = (
    "{list|write down|extract|give me|find} the {action items|tasks|to-dos}{| {in|from} {these|the} notes}",
    "{turn|make} {this|the notes} into {action items|a to-do list|tasks}",
    "who {does|has to do} what",
    "{action items|to-do list}, {please|one per line}",
)
_NONE = ("no action items", "no tasks", "no action", "nothing to do", "none")


class _Item(NamedTuple):
    owner: str
    task: str
    words: list[str]


def _items(voice: Voice, world: World, n: int) -> list[_Item]:
    owners = voice.rng.sample(world.agents, n)
    rows = voice.rng.sample(table("tickets")["actions"], n)
    name = world.product(voice.rng).name
    return [_Item(o, voice.say(r["item"], p=name), r["key"]) for o, r in zip(owners, rows, strict=True)]


def _note(voice: Voice, item: _Item) -> str:
    return voice.sentence(
        "{$o {will|should|must|has to|is going to} $t|$o: $t|$o {said she would|promised to|agreed to|wants to} $t"
        "|{please let|we asked} $o {to |}$t|it is for $o to $t}".replace(
            "{please let|we asked} $o {to |}", "we asked $o to "
        ),
        o=item.owner,
        t=item.task,
    )


def _chatter(voice: Voice, world: World) -> str:
    return voice.sentence(
        "{sales were {good|slow|fine} {this week|in $m}|the {coffee|cake} was {good|cold}|the meeting was {short|long}"
        "|$c was {calm|busy}|we talked about {the weather|$c|prices}|nobody was late}",
        m=voice.rng.choice(world.months),
        c=voice.rng.choice(world.cities),
    )


def _draft(voice: Voice, world: World, items: list[_Item], sentences: list[str], *, forbid: str = "") -> Draft:
    answer = "\n".join(f"- {item.owner}: {item.task}" for item in items)
    gold: Gold = {"pairs": [[item.owner, *item.words] for item in items], "strict": True}
    if forbid:
        gold["forbidden"] = [forbid]
    return ask(framing.instruction(voice, world, voice.one_of(*_REQUESTS), " ".join(sentences)), answer, gold)


def _plain(voice: Voice, world: World) -> Draft:
    items = _items(voice, world, 2)
    return _draft(voice, world, items, [_note(voice, i) for i in items])


def _contextual(voice: Voice, world: World) -> Draft:
    items = _items(voice, world, voice.rng.choice((1, 2)))
    sentences = [_note(voice, i) for i in items]
    sentences.insert(voice.rng.randrange(len(sentences) + 1), _chatter(voice, world))
    return _draft(voice, world, items, sentences)


def _complex(voice: Voice, world: World) -> Draft:
    items = _items(voice, world, 3)
    return _draft(voice, world, items, [_note(voice, i) for i in items])


def _edge(voice: Voice, world: World) -> Draft:
    """Notes in which nobody has to do anything."""
    sentences = [_chatter(voice, world), small_talk(voice, world)]
    if voice.chance(0.5):
        sentences.append(_chatter(voice, world))
    answer = voice.say("{No action items|There are no action items|No tasks}.")
    gold: Gold = {"required": [list(_NONE)], "max_words": 12, "strict": True}
    return ask(framing.instruction(voice, world, voice.one_of(*_REQUESTS), " ".join(sentences)), answer, gold)


def _noisy(voice: Voice, world: World) -> Draft:
    items = _items(voice, world, 2)
    sentences = [_note(voice, i) for i in items]
    asked = framing.typos(voice.rng, voice.one_of(*_REQUESTS))
    draft = _draft(voice, world, items, sentences)
    return ask(framing.instruction(voice, world, asked, " ".join(sentences)), draft.answer, draft.gold)


def _adversarial(voice: Voice, world: World) -> Draft:
    items = _items(voice, world, voice.rng.choice((1, 2)))
    sentences = [_note(voice, i) for i in items]
    command, bad = framing.injection(voice)
    sentences.insert(voice.rng.randrange(len(sentences) + 1), command)
    return _draft(voice, world, items, sentences, forbid=bad)


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "complex": _complex,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
