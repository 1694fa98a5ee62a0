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


def _entry(s: Scribe) -> str:
    """Draw one thing that a paper may list."""
    match s.rng.randint(0, 7):
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


def carbon_copy(s: Scribe) -> Written:
    """Write lists and their copies, whole after whole or line beside line."""
    first, second = s.rng.choice(phrases("copies.pairs"))
    parts = []
    for _ in range(s.rng.choice((1, 2, 2, 3))):
        entries = [_entry(s) for _ in range(s.rng.randint(3, 6))]
        between = s.rng.choice(("\n", "\n", "; ", " / ", ", then "))
        if s.chance(0.3):
            parts.append("\n".join(f"{first}: {e}\n{second}: {e}" for e in entries))
        else:
            opening, closing = (":\n", ":\n") if between == "\n" else (": ", ": ")
            parts.append(f"{first}{opening}{between.join(entries)}\n{second}{closing}{between.join(entries)}")
    return Written("\n\n".join(parts))
