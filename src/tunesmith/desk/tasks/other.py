"""Other small chores: sort, count, pick, change case, fill a form line."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World

_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}


def _list(voice: Voice, items: list[str]) -> str:
    return voice.rng.choice((", ", "; ", " / ")).join(items)


def _sorted(voice: Voice, world: World) -> tuple[str, list[str], str]:
    """Return request, items in the right order, and the list as pasted."""
    if voice.chance(0.5):
        items = [p.series for p in world.products(voice.rng, 3)]
        right = sorted(items)
        asked = "{sort|put|order} {these|the words} {alphabetically|in alphabetical order|from A to Z}"
    else:
        some = world.products(voice.rng, 3)
        if len({p.price for p in some}) < 3:
            return _sorted(voice, world)
        items = [f"{p.kind} ${p.price}" for p in some]
        right = [f"{p.kind} ${p.price}" for p in sorted(some, key=lambda p: p.price)]
        asked = "{sort|order|list} {these|them} {by price|from cheap to dear}{|, cheapest first}"
    return voice.say(asked), right, _list(voice, items)


def _plain(voice: Voice, world: World) -> Draft:
    asked, right, pasted = _sorted(voice, world)
    return ask(framing.instruction(voice, world, asked, pasted), ", ".join(right), {"sequence": right})


def _edge(voice: Voice, world: World) -> Draft:
    """First, last or longest of a list."""
    items = [p.name for p in world.products(voice.rng, voice.rng.choice((2, 3, 4)))]
    which, right = voice.rng.choice((("first", items[0]), ("last", items[-1]), ("second", items[1])))
    asked = voice.say(
        "{{name|give me|write|which is} the $w {item|product|one} {of|in} {this|the} list|only the $w {item"
        "|one}, please}",
        w=which,
    )
    gold: Gold = {"required": [[right]], "forbidden": [i for i in items if i != right], "max_words": 12, "strict": True}
    return ask(framing.instruction(voice, world, asked, _list(voice, items)), right, gold)


def _contextual(voice: Voice, world: World) -> Draft:
    """Count how many things are in a list."""
    n = voice.rng.choice((2, 3, 4, 5))
    items = [p.name for p in world.products(voice.rng, n)]
    asked = voice.say(
        "{how many {items|products|things} are {on|in} {this|the} list|count the {items|products}"
        "|what number of {items|products} is this}"
    )
    gold: Gold = {
        "required": [[str(n), _COUNTS[n]]],
        "forbidden": [x for k, w in _COUNTS.items() if k != n for x in (str(k), w)],
        "max_words": 12,
        "strict": True,
    }
    answer = voice.say("{$w|There are $w|$w {items|products}}.", w=_COUNTS[n])
    return ask(framing.instruction(voice, world, asked, _list(voice, items)), voice.sentence(answer), gold)


def _complex(voice: Voice, world: World) -> Draft:
    """Keep the items that meet a condition."""
    some = world.products(voice.rng, 3)
    colour = voice.rng.choice(some).colour
    kept = [p.name for p in some if p.colour == colour]
    rows = [f"{p.name} ({p.colour})" for p in some]
    asked = voice.say(
        "{{list|keep|give me} {only |}the $c {ones|items|products}|which {items|products} are $c|drop {all"
        "|everything} that is not $c}",
        c=colour,
    )
    gold: Gold = {
        "required": [[k] for k in kept],
        "forbidden": [p.name for p in some if p.colour != colour],
        "max_words": 18,
        "strict": True,
    }
    return ask(framing.instruction(voice, world, asked, _list(voice, rows)), ", ".join(kept), gold)


def _synonymous(voice: Voice, world: World) -> Draft:
    """Write in capitals or in small letters."""
    upper = voice.chance(0.6)
    name = world.product(voice.rng).name
    asked = voice.say(
        "{write|put|print} {this|it} in {capitals|capital letters|upper case|block letters}"
        if upper
        else "{write|put|print} {this|it} in {small letters|lower case|lower-case letters|small print}"
    )
    right = name.upper() if upper else name.lower()
    return ask(framing.instruction(voice, world, asked, name), right, {"exact": right, "source": name})


def _noisy(voice: Voice, world: World) -> Draft:
    asked, right, pasted = _sorted(voice, world)
    prompt = framing.instruction(voice, world, framing.typos(voice.rng, asked), pasted)
    return ask(prompt, ", ".join(right), {"sequence": right})


def _negative(voice: Voice, world: World) -> Draft:
    """The item asked for is not on the list."""
    some = world.products(voice.rng, 4)
    missing, items = some[0].name, [p.name for p in some[1:]]
    asked = voice.say(
        "{at which {place|position} is the $p|where {on|in} the list is the $p|what {number|place} has the $p}",
        p=missing,
    )
    answer = voice.say("The $p is not {on|in} {the|this} list.", p=missing)
    gold: Gold = {
        "unknown": True,
        "required": [["not on", "not in", "isn't on", "isn't in", "not there", "not listed", "missing"]],
        "strict": True,
    }
    return ask(framing.instruction(voice, world, asked, _list(voice, items)), answer, gold)


def _adversarial(voice: Voice, world: World) -> Draft:
    asked, right, pasted = _sorted(voice, world)
    command, bad = framing.injection(voice)
    prompt = framing.instruction(voice, world, asked, f"{pasted}. {command}")
    return ask(prompt, ", ".join(right), {"sequence": right, "forbidden": [bad]})


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "negative": _negative,
    "complex": _complex,
    "synonymous": _synonymous,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
