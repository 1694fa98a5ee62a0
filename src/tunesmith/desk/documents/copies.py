"""Papers in duplicate: what was said is read back, what was packed is checked off, what was written is typed in.

Nothing in the second half can be known but by looking at the first, so these teach a model to copy, the skill under
extraction, conversion and answers from a page (in-context copying: Olsson et al., arXiv 2209.11895).
"""

from __future__ import annotations

from tunesmith.desk.documents.scribe import Scribe, Written, phrases

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def _code(s: Scribe) -> str:
    """Draw a code such as "KT-40782"; four digits would be an order number, and half of those are the test split's."""
    letters = "".join(s.rng.choice(_LETTERS) for _ in range(s.rng.randint(1, 3)))
    return f"{letters}{s.rng.choice(('-', '', ' '))}{s.rng.randint(10_000, 99_999)}"


_KINDS_OF_ENTRY = 8
_NAMED = (1, 2, 3, 4)  # parts of two names or order numbers could make one of the test split


def _entry(s: Scribe, kind: int) -> str:
    """Draw one thing that a paper may list."""
    match kind:
        case 0:
            return _code(s)
        case 1:
            return f"order {s.world.number(s.rng)}"
        case 2:
            return s.product().name
        case 3:
            return f"{s.product().name}, {s.rng.randint(2, 400)} dollars"
        case 4:
            person = s.world.person(s.rng)
            return f"{person.first} {person.last}, {person.city}"
        case 5:
            return f"{s.rng.randint(2, 90)} x {s.product().kind}"
        case 6:
            return s.world.day(s.rng)
        case _:
            return f"{_code(s)} = {s.rng.randint(100, 999)}"


def _any_entry(s: Scribe) -> str:
    return _entry(s, s.rng.randrange(_KINDS_OF_ENTRY))


def carbon_copy(s: Scribe) -> Written:
    """Write lists and their copies, whole after whole or line beside line."""
    first, second = s.rng.choice(phrases("copies.pairs"))
    parts = []
    for _ in range(s.rng.choice((1, 2, 2, 3))):
        entries = [_any_entry(s) for _ in range(s.rng.randint(3, 6))]
        between = s.rng.choice(("\n", "\n", "; ", " / ", ", then "))
        if s.chance(0.3):
            parts.append("\n".join(f"{first}: {e}\n{second}: {e}" for e in entries))
        else:
            opening, listed = ":\n" if between == "\n" else ": ", between.join(entries)
            parts.append(f"{first}{opening}{listed}\n{second}{opening}{listed}")
    return Written("\n\n".join(parts))


def collation(s: Scribe) -> Written:
    """Write two lists held against each other: every pair is marked as the same or as different.

    The mark can only be known by comparing, the skill under checking an answer against its text.
    """
    first, second = s.rng.choice(phrases("copies.pairs"))
    same, different = s.rng.choice(phrases("copies.verdicts"))
    listed = s.chance(0.5)
    parts = []
    for _ in range(s.rng.choice((1, 2, 2))):
        pairs = [_pair(s) for _ in range(s.rng.randint(4, 7))]
        marks = [same if one == other else different for one, other in pairs]
        if listed:
            above = "\n".join(one for one, _ in pairs)
            below = "\n".join(f"{other} {mark}" for (_, other), mark in zip(pairs, marks, strict=True))
            parts.append(f"{first}:\n{above}\n{second}:\n{below}")
        else:
            parts.append("\n".join(f"{a} / {b}: {mark}" for (a, b), mark in zip(pairs, marks, strict=True)))
    return Written("\n\n".join(parts))


def _pair(s: Scribe) -> tuple[str, str]:
    """Draw an entry and its copy, which half the time has one thing changed."""
    kind = s.rng.randrange(_KINDS_OF_ENTRY)
    one = _entry(s, kind)
    if s.chance(0.5):
        return one, one
    other = _entry(s, kind)
    while other == one:
        other = _entry(s, kind)
    if kind in _NAMED or s.chance(0.5):
        return one, other
    head, gap, _ = one.rpartition(" ")  # only the last part differs
    mixed = f"{head}{gap}{other.rpartition(' ')[2]}"
    return one, other if mixed == one else mixed
