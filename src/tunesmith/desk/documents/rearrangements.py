"""Lists, and the same lists in another order, in other letters, or with one thing taken away.

Each entry of a result stands in the list above it, and none twice: what was said already must be kept in mind, the
skill under sorting, and under lists of ideas that do not repeat themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tunesmith.desk.documents.scribe import Scribe, Written
from tunesmith.desk.world import table

_SEPARATORS = (", ", "; ", " / ", " - ", "\n- ")


def rearranged(s: Scribe) -> Written:
    """Write some lists, each with two or three rearrangements of it."""
    parts: list[str] = []
    wanted = s.rng.randint(220, 520)
    while sum(map(len, parts)) < wanted:
        if s.chance(0.3):
            parts.append(_priced(s))
            continue
        entries = _entries(s)
        ways = s.rng.sample(list(_WAYS), s.rng.choice((1, 2, 2, 3)))
        lines = [_line(s, "", entries)]
        for way in ways:
            how, result = _WAYS[way](s, entries)
            lines.append(_line(s, how, result))
        parts.append("\n".join(lines))
    return Written("\n\n".join(parts))


def _line(s: Scribe, how: str, entries: list[str]) -> str:
    between = s.rng.choice(_SEPARATORS)
    if not between.startswith("\n"):
        return f"{how}: {between.join(entries)}" if how else between.join(entries)
    return f"{how}:{between}{between.join(entries)}" if how else between.lstrip("\n") + between.join(entries)


def _entries(s: Scribe) -> list[str]:
    """Draw three to five different things of one kind."""
    n = s.rng.choice((3, 3, 4, 5))
    some = s.products(n)
    match s.rng.randrange(5):
        case 0:
            return [p.series for p in some]
        case 1:
            return [p.kind for p in some]
        case 2:
            return [p.name for p in some]
        case 3:
            ideas: list[str] = s.rng.choice(table("tickets")["ideas"])["items"]
            return s.rng.sample(ideas, min(n, len(ideas)))
        case _:
            return s.rng.sample(s.world.agents, n)


def _priced(s: Scribe) -> str:
    some = {p.price: p.kind for p in s.products(s.rng.choice((3, 3, 4)))}
    rows = [f"{kind} ${price}" for price, kind in some.items()]
    return "\n".join(
        (_line(s, "", rows), _line(s, s.phrase("copies.priced"), [f"{some[k]} ${k}" for k in sorted(some)]))
    )


def _mixed(s: Scribe, entries: list[str]) -> tuple[str, list[str]]:
    return s.phrase("copies.mixed"), s.rng.sample(entries, len(entries))


def _sorted(s: Scribe, entries: list[str]) -> tuple[str, list[str]]:
    return s.phrase("copies.sorted"), sorted(entries)


def _backwards(s: Scribe, entries: list[str]) -> tuple[str, list[str]]:
    return s.phrase("copies.backwards"), entries[::-1]


def _large(s: Scribe, entries: list[str]) -> tuple[str, list[str]]:
    return s.phrase("copies.large"), [entry.upper() for entry in entries]


def _small(s: Scribe, entries: list[str]) -> tuple[str, list[str]]:
    return s.phrase("copies.small"), [entry.lower() for entry in entries]


def _without(s: Scribe, entries: list[str]) -> tuple[str, list[str]]:
    gone = s.rng.choice(entries)
    return s.phrase("copies.without", x=gone), [entry for entry in entries if entry != gone]


_WAYS: Mapping[str, Callable[[Scribe, list[str]], tuple[str, list[str]]]] = {
    "mixed": _mixed,
    "sorted": _sorted,
    "backwards": _backwards,
    "large": _large,
    "small": _small,
    "without": _without,
}
