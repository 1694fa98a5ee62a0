"""The shop's own texts: product pages, manuals, policy pages and lists of questions."""

from __future__ import annotations

from tunesmith.desk.documents.exchanges import facts_of, feature
from tunesmith.desk.documents.scribe import Scribe, Written, article, capital, phrases
from tunesmith.desk.world import Policy, Product, policies


def product_page(s: Scribe) -> Written:
    """Write one or two product pages, as prose, as a list of facts, or as both."""
    pages = []
    for p in {p.kind: p for p in (s.thing() for _ in range(s.rng.choice((2, 2, 3))))}.values():
        kind = s.rng.random()
        prose = f"{facts_of(s, p, s.rng.randint(3, 6))} {s.phrase('pages.praise')}"
        if kind < 0.4:
            pages.append(f"{p.name}\n{prose}")
        elif kind < 0.75:
            pages.append(f"{_sheet(s, p)}\n{prose if s.chance(0.5) else s.phrase('pages.praise')}")
        else:
            said = s.say(
                "{The $name is|Meet the $name,|New in the shop: the $name,} $a $c $k",
                name=p.name,
                a=article(p.colour),
                c=p.colour,
                k=p.kind,
            )
            pages.append(f"{said} {s.say('from our {$cat shelf|$cat pages|$cat corner}', cat=p.category)}. {prose}")
    return Written("\n\n".join(pages))


def _sheet(s: Scribe, p: Product) -> str:
    rows = [
        ("Category", p.category),
        ("Price", f"{p.price} dollars"),
        ("Colours", f"{p.colour}, {p.other_colour}"),
        ("Material", p.material),
        ("Weight", p.weight),
        ("Warranty", f"{p.warranty_months} months"),
        ("In stock", str(p.stock) if p.stock else "sold out"),
    ]
    if p.sizes:
        rows.append(("Sizes", ", ".join(p.sizes)))
    rows = s.rng.sample(rows, s.rng.randint(4, len(rows)))
    mark = s.rng.choice(("{}: {}", "- {}: {}", "{} = {}", "* {} - {}", "{}\t{}"))
    return "\n".join(
        [s.rng.choice(("Product: {}", "{}", "# {}", "== {} ==")).format(p.name), *(mark.format(*row) for row in rows)]
    )


def manual(s: Scribe) -> Written:
    """Write the leaflet in the box: first steps, care, and for electric things what to do when it fails."""
    p = s.product()
    steps = s.rng.sample(
        phrases("pages.steps_electric") if p.electric else phrases("pages.steps_plain"), s.rng.randint(3, 5)
    )
    said = [s.sentence(step, kind=p.kind, n=s.rng.randint(2, 12)) for step in steps]
    number = s.rng.choice(("{}. {}", "{}) {}", "Step {}: {}"))
    lines = [s.say("{Manual|Leaflet|How to use|First steps}: {the |}$name", name=p.name)]
    lines += [number.format(i, text) for i, text in enumerate(said, 1)]
    lines.append(
        s.say(
            "{Care|Cleaning|Looking after it}: {The $kind is made of $m|It is made of $m}, so $care.",
            kind=p.kind,
            m=p.material,
            care=s.say(phrases("pages.care")[p.material]),
        )
    )
    if p.electric:
        for problem, remedy in s.rng.sample(phrases("pages.trouble"), s.rng.randint(1, 3)):
            lines.append(
                s.say(
                    "{If $p, $r|Problem: $p. Remedy: $r|$q? Then $r}.",
                    p=problem,
                    q=capital(problem),
                    r=s.say(remedy, n=s.rng.randint(2, 15)),
                )
            )
        lines.append(s.phrase("pages.warnings", kind=p.kind))
    lines.append(s.say("{The warranty runs for|It has a warranty of} $n months.", n=p.warranty_months))
    return Written("\n".join(lines))


def _topics(s: Scribe, least: int, most: int) -> list[list[Policy]]:
    """Draw topics until they hold enough rules together."""
    wanted, found = s.rng.randint(least, most), []
    names = list(phrases("pages.names"))
    s.rng.shuffle(names)
    while wanted > 0:
        topic = names.pop()
        rules = [p for p in policies() if p.topic == topic]
        s.rng.shuffle(rules)
        found.append(rules[:wanted])
        wanted -= len(rules)
    return [rules for rules in found if rules]


def policy_page(s: Scribe) -> Written:
    """Write the shop's rules on some topics, each under its heading, as prose or as a list."""
    lines = [
        s.any_of(
            (
                "{Shop rules|How we work|Good to know|Our rules in short}",
                "Larkfield: {the rules|what you should know}",
                "{Welcome to|From} the help pages",
                "",
            )
        )
    ]
    mark = s.rng.choice(("", "", "- ", "* ", "1"))
    heading = s.rng.choice(("{}", "{}:", "# {}", "** {} **", "[{}]"))
    for rules in _topics(s, 6, 11):
        lines.append(heading.format(phrases("pages.names").get(rules[0].topic, capital(rules[0].topic))))
        said = [s.stated(rule) for rule in rules]
        if s.chance(0.15):
            said.append(s.stated(s.rng.choice(rules)))  # pages repeat themselves, in other words
        if mark == "1":
            lines += [f"{i}. {text}" for i, text in enumerate(said, 1)]
        elif mark:
            lines += [mark + text for text in said]
        else:
            lines.append(" ".join(said))
    return Written("\n".join(filter(None, lines)))


def faq(s: Scribe) -> Written:
    """Write a list of common questions, with answers that state the rule, give the value alone, or both."""
    form = s.rng.choice(
        (
            ("Q: ", "A: "),
            ("Question: ", "Answer: "),
            ("", ""),
            ("- ", "  "),
            ("> ", ""),
            ("? ", "! "),
            ("Customers ask: ", "We say: "),
        )
    )
    style = s.rng.random()
    parts = []
    for rule in s.some_policies(s.rng.randint(4, 7)):
        answer = s.stated(rule) if style < 0.6 or s.chance(0.5) else capital(rule.value) + "."
        if s.chance(0.15):
            answer = f"{capital(rule.value)}. {answer}"
        parts.append(f"{form[0]}{s.asked(rule)}\n{form[1]}{answer}")
    if s.chance(0.3):
        p = s.product()
        asked, name = s.rng.choice(phrases("exchanges.features"))
        parts.append(f"{form[0]}{s.sentence('{' + asked + '}', '?', thing=p.name)}\n{form[1]}{feature(s, p, name)}")
    title = s.any_of(
        (
            "{Questions and answers|Frequent questions|FAQ|You asked}",
            "{What customers ask|Often asked|Asked this week}",
            "",
        )
    )
    return Written("\n".join(filter(None, [title, s.rng.choice(("\n", "\n\n")).join(parts)])))
