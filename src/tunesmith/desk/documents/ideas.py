"""Free writing: lists of ideas, notices, slogans, and descriptions made from a few facts."""

from __future__ import annotations

from tunesmith.desk.documents.scribe import Scribe, Written, article, capital, phrases
from tunesmith.desk.world import Product, table


def _slots(s: Scribe, p: Product) -> dict[str, object]:
    return {
        "k": p.kind,
        "ks": p.kind if p.kind.endswith("s") else p.kind + "s",
        "n": p.name,
        "c": p.colour,
        "m": p.material,
        "w": p.weight,
        "p": p.price,
        "a": s.agent(),
        "d": s.rng.choice((s.world.day(s.rng), s.rng.choice(s.world.weekdays))),
    }


def idea_list(s: Scribe) -> Written:
    """Write numbered ideas: gifts with reasons, or suggestions on a theme."""
    mark = s.rng.choice(("{}. ", "{}) ", "- ", "* "))
    lines = []
    for _ in range(s.rng.choice((2, 3, 3))):
        n = s.rng.randint(3, 5)
        kind = s.rng.random()
        if kind < 0.3:
            row = s.rng.choice(table("tickets")["ideas"])
            lines.append(capital(s.say(row["what"])) + ":")
            items = s.rng.sample(row["items"], min(n, len(row["items"])))
            lines += [mark.format(i) + item for i, item in enumerate(items, 1)]
        elif kind < 0.65:
            occasion = s.rng.choice(list(phrases("ideas.occasions")))
            lines.append(s.say("{Gift ideas for|$n gifts for|Presents for|What to give for} $o:", n=n, o=occasion))
            for i, p in enumerate(different(s, phrases("ideas.occasions")[occasion], n), 1):
                why, name = s.phrase("ideas.reasons", **_slots(s, p)), p.name if s.chance(0.6) else p.kind
                lines.append(
                    mark.format(i)
                    + s.say("{$a|the} $x{, because $why|: $why| ($why)|}", a=article(name), x=name, why=why)
                )
        else:
            theme = s.rng.choice(list(phrases("ideas.themes")))
            slots = _slots(s, s.thing())
            lines.append(
                s.say("{Ideas for|$n ideas for|Suggestions for} {$t}:".replace("{$t}", theme), **{**slots, "n": n})
            )
            lines += [
                mark.format(i) + s.say(idea, **_slots(s, s.thing()))
                for i, idea in enumerate(s.rng.sample(phrases("ideas.themes")[theme], n), 1)
            ]
    return Written("\n".join(lines))


def different(s: Scribe, category: str, n: int) -> list[Product]:
    """Draw n products of different kinds of one category."""
    found: dict[str, Product] = {}
    while len(found) < n:
        p = s.thing(category)
        found.setdefault(p.kind, p)
    return list(found.values())


def board(s: Scribe) -> Written:
    """Write what hangs on the shop's board: slogans and notices."""
    lines = []
    for _ in range(s.rng.randint(4, 6)):
        p = s.thing()
        if s.chance(0.5):
            lines.append(
                s.say("{Slogan|Poster|Line} for the $n: ", n=p.name) + s.phrase("ideas.slogans", **_slots(s, p))
            )
        else:
            lines.append(s.phrase("ideas.notices", **_slots(s, p)))
    return Written(s.rng.choice(("\n", "\n\n")).join(lines))


def described(s: Scribe) -> Written:
    """Write facts in catchwords, and the description that was made of them."""
    facts, text = s.rng.choice((("Facts: ", "Text: "), ("Notes: ", "Page: "), ("Given: ", "Written: "), ("", "-> ")))
    parts = []
    for p in (s.thing() for _ in range(s.rng.choice((2, 2, 3)))):
        rows = s.rng.sample(
            [
                ("price", f"{p.price} dollars", f"costs {p.price} dollars"),
                ("material", p.material, f"is made of {p.material}"),
                ("colour", p.colour, f"comes in {p.colour}"),
                ("weight", p.weight, f"weighs {p.weight}"),
                ("warranty", f"{p.warranty_months} months", f"has a warranty of {p.warranty_months} months"),
            ],
            s.rng.randint(2, 4),
        )
        given = ", ".join([p.name, *(f"{k} {v}" if s.chance(0.5) else v for k, v, _ in rows)])
        clauses = s.joined([clause for _, _, clause in rows])
        parts.append(f"{facts}{given}\n{text}{s.phrase('ideas.described', n=p.name, k=p.kind, list=clauses)}")
    return Written(s.rng.choice(("\n", "\n\n")).join(parts))
