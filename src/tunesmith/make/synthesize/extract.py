"""Extract fields: the input is a record or a small table, the answer the value that stands there.

One in five questions is about a field that is not there; then the right answer says so.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from tunesmith.core.records import Record
from tunesmith.make.synthesize.data_in_text import data_in
from tunesmith.make.synthesize.method import Pair, good_text
from tunesmith.make.synthesize.structures import to_json, to_yaml

_FEWEST, _MOST, _LONGEST = 2, 12, 300  # fields of a record; characters of a value
_MISSING = 0.2
_ABSENT = ("delivery date", "telephone number", "middle name", "reference code", "opening hours", "blood type")
_ONE = (
    "What is the {field} in this record? Answer with the value only.\n\n{text}",
    "{text}\n\nGive me the value of {field}, nothing else.",
    "Extract {field}: reply with the value alone.\n\n{text}",
)
_SOME = (
    "Extract {fields} from this record as JSON.\n\n{text}",
    "{text}\n\nFrom the above I need {fields}, as a JSON object with these keys.",
)


def extract(record: Record, rng: random.Random) -> Iterator[Pair]:
    """Yield one pair where the good text is or holds data with at least two plain fields."""
    found = {key: value for key, value in data_in(good_text(record)).items() if _plain(value)}
    if len(found) < _FEWEST:
        return
    fields = dict(list(found.items())[:_MOST])
    text = _shown(fields, rng)
    if rng.random() < _MISSING:
        lower = {key.lower() for key in found}
        absent = rng.choice([name for name in _ABSENT if name not in lower])
        yield Pair(
            rng.choice(_ONE).format(field=absent, text=text), f"There is no {absent} in it.", "extraction", "negative"
        )
    elif len(fields) > _FEWEST and rng.random() < 0.5:
        chosen = rng.sample(list(fields), rng.randrange(2, min(4, len(fields))))
        names = ", ".join(chosen[:-1]) + f" and {chosen[-1]}"
        answer = to_json({key: fields[key] for key in chosen})
        yield Pair(rng.choice(_SOME).format(fields=names, text=text), answer, "extraction", "complex")
    else:
        field = rng.choice(list(fields))
        yield Pair(rng.choice(_ONE).format(field=field, text=text), _written(fields[field]), "extraction")


def _plain(value: Any) -> bool:
    if value is None or isinstance(value, dict | list):
        return False
    text = _written(value)
    return 0 < len(text.strip()) <= _LONGEST and "\n" not in text and "|" not in text


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shown(fields: dict[str, Any], rng: random.Random) -> str:
    form = rng.randrange(4)
    if form == 0:
        return to_json(fields)
    if form == 1:
        return to_yaml(fields)
    if form == 2:
        rows = [list(fields), [_written(value) for value in fields.values()]]
        return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], ["---"] * len(fields), rows[1]))
    return "\n".join(f"{key}: {_written(value)}" for key, value in fields.items())
