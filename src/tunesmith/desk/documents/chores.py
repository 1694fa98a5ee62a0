"""Small exercises with lists: sort, count, pick, find, keep what fits a condition, write large or small."""

from __future__ import annotations

from tunesmith.desk.documents.scribe import Scribe, Written, phrases

COUNTS = ("no", "one", "two", "three", "four", "five", "six")
PLACES = ("first", "second", "third")


def chores(s: Scribe) -> Written:
    """Write lists of articles with what was done to them: sorted, counted, picked from or filtered."""
    given, done = s.rng.choice(phrases("chores.heads"))
    lines: list[str] = []
    wanted = s.rng.randint(220, 560)
    while sum(map(len, lines)) < wanted:
        listed, task, result = s.rng.choice(MAKERS)(s)
        lines.append(s.say(f"{{{given}}}$listed\n$task{done}$result", listed=listed, task=task, result=result))
    title = s.phrase("chores.titles", n=s.rng.randint(1, 60))
    return Written("\n".join(filter(None, [title, *lines])))


def _list(s: Scribe, items: list[str]) -> str:
    return s.rng.choice((", ", "; ", " / ", " - ")).join(items)


def _by_name(s: Scribe) -> tuple[str, str, str]:
    some = s.products(s.rng.choice((3, 3, 4)))
    items = [p.series if s.chance(0.6) else p.name for p in some]
    return _list(s, items), s.phrase("chores.by_name"), ", ".join(sorted(items))


def _by_price(s: Scribe) -> tuple[str, str, str]:
    some = {p.price: p for p in s.products(3)}
    items = [f"{p.kind} ${p.price}" for p in some.values()]
    return _list(s, items), s.phrase("chores.by_price"), ", ".join(f"{some[k].kind} ${k}" for k in sorted(some))


def _counted(s: Scribe) -> tuple[str, str, str]:
    n = s.rng.randint(2, 5)
    items = [p.name for p in s.products(n)]
    return _list(s, items), s.phrase("chores.count"), s.say("{$w|$n|$w things|there are $w}", w=COUNTS[n], n=n)


def _picked(s: Scribe) -> tuple[str, str, str]:
    items = [p.name for p in s.products(s.rng.randint(2, 4))]
    at = s.rng.randrange(min(len(items), len(PLACES)))
    last = s.chance(0.25)
    task = s.phrase("chores.pick", w="last" if last else PLACES[at])
    return _list(s, items), task, items[-1] if last else items[at]


def _filtered(s: Scribe) -> tuple[str, str, str]:
    some = s.products(s.rng.choice((3, 4)))
    if s.chance(0.5):
        limit = sorted(p.price for p in some)[1] + 1
        kept = [p.name for p in some if p.price < limit]
        listed, task = [f"{p.name} ${p.price}" for p in some], s.phrase("chores.cheaper", n=limit)
    else:
        colour = s.rng.choice(some).colour
        kept = [p.name for p in some if p.colour == colour]
        listed, task = [f"{p.name} ({p.colour})" for p in some], s.phrase("chores.coloured", c=colour)
    return _list(s, listed), task, ", ".join(kept)


def _found(s: Scribe) -> tuple[str, str, str]:
    """Draw the place of a thing on a list, on which it may not be."""
    some = s.products(s.rng.choice((3, 4)))
    items, at = [p.name for p in some], s.rng.randrange(len(some))
    place = (*PLACES, "fourth")[at]
    if s.chance(0.5):
        absent = items.pop(at)
        return _list(s, items), s.phrase("chores.where", p=absent), s.phrase("chores.absent", p=absent)
    return _list(s, items), s.phrase("chores.where", p=items[at]), place


def _cased(s: Scribe) -> tuple[str, str, str]:
    item = s.product().name if s.chance(0.7) else s.world.person(s.rng).first
    if s.chance(0.6):
        return item, s.phrase("chores.large"), item.upper()
    return item, s.phrase("chores.small"), item.lower()


MAKERS = (
    _by_name,
    _by_price,
    _counted,
    _picked,
    _found,
    _filtered,
    _cased,
)  # each draws a list, what to do with it, and the result
