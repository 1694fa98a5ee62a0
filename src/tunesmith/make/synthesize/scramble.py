"""Convert data between JSON, YAML and XML: the input is one form, the answer the other, equal type by type."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from tunesmith.core.records import Record
from tunesmith.make.synthesize.data_in_text import data_in
from tunesmith.make.synthesize.method import Pair, good_text
from tunesmith.make.synthesize.structures import CODECS, exact_text

_REQUESTS = (
    "Convert this {source} to {target}.\n\n{text}",
    "Write the following {source} as {target}:\n\n{text}",
    "{text}\n\nThe same data as {target}, please.",
    "I have {source} but need {target}. Keep every value and its type.\n\n{text}",
)
_XML_NOTE = (
    '\n(Root element `data`; list items are `item` elements; give the type where it is not text, as in type="int".)'
)
_LONGEST = 4000  # characters of the input


def scramble(record: Record, rng: random.Random) -> Iterator[Pair]:
    """Yield one pair where the good text is or holds data that two formats can write exactly."""
    data = data_in(good_text(record))
    texts: dict[str, str] = {}
    # Two formats are enough, and reading YAML back is slow.
    for name in rng.sample(sorted(CODECS), len(CODECS)):
        text = exact_text(data, name) if len(texts) < 2 else ""
        if 0 < len(text) <= _LONGEST:
            texts[name] = text
    if len(texts) < 2:
        return
    source, target = texts
    given = texts[source] if source != "JSON" or rng.random() < 0.5 else json.dumps(data, ensure_ascii=False)
    request = rng.choice(_REQUESTS).format(source=source, target=target, text=given)
    note = _XML_NOTE if target == "XML" else ""
    yield Pair(request + note, texts[target], "convert", "complex" if _nested(data) else "plain")


def _nested(data: dict[str, Any]) -> bool:
    return any(isinstance(value, dict | list) for value in data.values())
