"""Data-entry logs: one record in JSON, YAML and XML, and forms filled from a note."""

from __future__ import annotations

import json
from collections.abc import Mapping
from xml.sax.saxutils import escape

from tunesmith.desk.documents.cases import draw_case
from tunesmith.desk.documents.scribe import Scribe, Written, capital, phrases

Value = str | int | list[str] | dict[str, str | int]
Fields = Mapping[str, Value]

FORMATS = ("JSON", "YAML", "XML")


def as_json(fields: Fields, *, indent: int | None = None) -> str:
    """Return the record as JSON."""
    return json.dumps(fields, indent=indent)


def as_yaml(fields: Fields) -> str:
    """Return the record as YAML, one key a line; a list has one dash a line."""
    lines = []
    for key, value in fields.items():
        if isinstance(value, list):
            lines += [f"{key}:", *(f"- {item}" for item in value)]
        elif isinstance(value, dict):
            lines += [f"{key}:", *(f"  {k}: {v}" for k, v in value.items())]
        else:
            lines.append(f"{key}: {value}")
    return "\n".join(lines)


def as_xml(fields: Fields, root: str, *, indent: str = "  ") -> str:
    """Return the record as XML, one element a field; a list is its element repeated."""
    pairs = [(k, v) for k, value in fields.items() for v in (value if isinstance(value, list) else [value])]
    joint, pad = ("\n", indent) if indent else ("", "")
    inner = joint.join(f"{pad}<{k}>{_xml_value(v)}</{k}>" for k, v in pairs)
    return f"<{root}>{joint}{inner}{joint}</{root}>"


def _xml_value(value: str | int | dict[str, str | int]) -> str:
    if isinstance(value, dict):
        return "".join(f"<{k}>{escape(str(v))}</{k}>" for k, v in value.items())
    return escape(str(value))


def draw_record(s: Scribe) -> tuple[str, Fields]:
    """Draw a record and the name of its kind."""
    kind = s.rng.choice(("order", "product", "customer", "ticket", "parcel"))
    order = s.order()
    p, who = order.product, order.customer
    every: dict[str, dict[str, Value]] = {
        "order": {
            "number": order.number,
            "customer": who.name,
            "product": p.name,
            "quantity": order.lines[0].quantity,
            "status": order.status,
            "items": [line.product.name for line in order.lines],
            "placed": order.placed,
            "due": order.due,
            "city": who.city,
        },
        "product": {
            "name": p.name,
            "price": p.price,
            "colour": p.colour,
            "material": p.material,
            "weight": p.weight,
            "stock": p.stock,
            "category": p.category,
            "warranty": p.warranty_months,
            "colours": [p.colour, p.other_colour],
        },
        "customer": {
            "name": who.name,
            "first": who.first,
            "last": who.last,
            "city": who.city,
            "email": who.email,
            "orders": s.rng.randint(1, 30),
        },
        "ticket": {
            "id": s.rng.randint(100, 999),
            "customer": who.name,
            "order": order.number,
            "agent": s.agent(),
            "day": s.world.day(s.rng),
            "topic": s.rng.choice(("delivery", "return", "refund", "payment", "warranty")),
        },
        "parcel": {
            "order": order.number,
            "carrier": order.carrier,
            "weight": p.weight,
            "due": order.due,
            "weekday": order.weekday,
            "city": who.city,
        },
    }
    fields = every[kind]
    if kind == "order":
        fields.pop(s.rng.choice(("product", "items")))
    names = s.rng.sample(list(fields), s.rng.randint(1, min(5, len(fields))))
    chosen = {name: fields[name] for name in names}
    plain = {k: v for k, v in chosen.items() if isinstance(v, (str, int))}
    if len(plain) >= 3 and s.chance(0.25):  # one level of nesting
        inner = dict(list(plain.items())[1:3])
        chosen = {k: v for k, v in chosen.items() if k not in inner}
        chosen[s.rng.choice(("details", "data", "more", "box"))] = inner
    return s.rng.choice((kind, kind, "data", "record")), chosen


def written(fields: Fields, kind: str, form: str, *, compact: bool) -> str:
    """Return the record in one of FORMATS."""
    if form == "JSON":
        return as_json(fields, indent=None if compact else 2)
    return as_yaml(fields) if form == "YAML" else as_xml(fields, kind, indent="" if compact else "  ")


def records(s: Scribe) -> Written:
    """Write one to three records, each in two or three formats in drawn order."""
    compact = s.chance(0.4)
    link = s.rng.choice(phrases("records.links"))
    parts = [s.phrase("records.intros", day=s.world.day(s.rng), n=s.rng.randint(1, 99))]
    for _ in range(s.rng.choice((2, 2, 2, 3, 3))):
        kind, fields = draw_record(s)
        forms = s.rng.sample(FORMATS, s.rng.choice((2, 2, 3)))
        for form in forms:
            parts.append(f"{s.say(link, f=form)}\n{written(fields, kind, form, compact=compact)}")
        if s.chance(0.3):
            key, value = s.rng.choice(
                [(k, v) for k, v in fields.items() if isinstance(v, (str, int))] or [("kind", kind)]
            )
            parts.append(s.say("{The $k {of this $r|in this record|here} is|$k:} $v", k=key, r=kind, v=value))
    return Written(s.rng.choice(("\n", "\n\n")).join(filter(None, parts)))


def forms(s: Scribe) -> Written:
    """Write two or three call notes, each with the form that was filled from it."""
    style = s.rng.choice(("lines", "lines", "inline", "table", "keys"))
    names = s.rng.sample(("Name", "City", "Order", "Product", "Topic"), s.rng.randint(2, 5))
    blank = s.rng.choice(("not given", "not given", "missing", "-"))
    titles = s.say("{Call notes and forms|Filled forms|Intake, $day|Form desk}", day=s.world.day(s.rng))
    parts = [titles] if s.chance(0.5) else []
    note, form = s.rng.choice((("Note: ", "Form: "), ("", "=> "), ("Text: ", "Fields: "), ("Call: ", ""), ("* ", "  ")))
    for _ in range(s.rng.choice((2, 3, 3))):
        case = draw_case(s)
        o = case.order
        values = {
            "Name": o.customer.name,
            "City": o.customer.city,
            "Order": str(o.number),
            "Product": o.product.name,
            "Topic": case.label,
        }
        said = s.any_of(
            phrases("records.notes"),
            name=o.customer.name,
            first=o.customer.first,
            city=o.customer.city,
            n=o.number,
            p=o.product.name,
            day=o.due,
            c=case.complaint,
            C="$C",
        ).replace("$C", capital(case.complaint))
        if s.chance(0.3):  # a short note, whose other fields stay open
            kept = s.rng.choice(("Order", "Name", "City"))
            said = s.say(
                {
                    "Order": "$issue. {Order|It is about order} $n.",
                    "Name": "$issue. {This is|My name is} $n.",
                    "City": "$issue. I {live in|write from} $n.",
                }[kept],
                issue=capital(case.complaint),
                n=values[kept],
            )
            values = {k: v if k in (kept, "Topic") or v in said else blank for k, v in values.items()}
        filled = _filled(style, names, values)
        parts.append(f"{note}{said}\n{form}{filled if form.strip() else filled.replace(chr(10), chr(10) + form)}")
    return Written(s.rng.choice(("\n", "\n\n")).join(parts))


def _filled(style: str, names: list[str], values: Mapping[str, str]) -> str:
    if style == "lines":
        return "\n".join(f"{k}: {values[k]}" for k in names)
    if style == "inline":
        return "; ".join(f"{k}: {values[k]}" for k in names)
    if style == "table":
        return " | ".join(values[k] for k in names)
    return ", ".join(f"{k.lower()}={values[k]}" for k in names)
