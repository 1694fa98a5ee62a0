"""Every made answer is exactly right: it can be computed back from the prompt."""

from __future__ import annotations

import json
import random
import re

import pytest

from tunesmith.core.records import Document, record_id
from tunesmith.make.synthesize.condense import condense, expand_contractions
from tunesmith.make.synthesize.data_in_text import data_in
from tunesmith.make.synthesize.extract import extract
from tunesmith.make.synthesize.inverse import INVERSE, synthesize
from tunesmith.make.synthesize.restore import bare, restore
from tunesmith.make.synthesize.scramble import scramble
from tunesmith.make.synthesize.structures import CODECS, same

from ..rows import demo

DATA = {"name": "Lee", "age": 41, "member": True, "code": "007", "tags": ["a", "b"]}
GOOD = [
    Document(text=json.dumps(DATA)),
    Document(text="Here it is:\nName: Ann\nTown: Bern\nAge: 30\n\nThanks."),
    demo("Tell me.", "The cat sleeps on the mat. Nobody wakes it up at night. It is a very old cat."),
    demo("List some.", "Fruit:\n- apple\n- pear\n- plum\n\nThey're all sweet and we've eaten them."),
    Document(text="Too short."),
]


@pytest.mark.parametrize("seed", range(25))
def test_conversion_is_exact(seed: int) -> None:
    for record in GOOD[:2]:
        [pair] = scramble(record, random.Random(seed))
        target = next(name for name in CODECS if re.search(rf"(?:to|as|need) {name}", pair.prompt))
        assert same(CODECS[target][1](pair.answer), data_in(record.text))  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(40))
def test_extraction_is_exact(seed: int) -> None:
    for record in GOOD[:2]:
        data = {key: value for key, value in data_in(record.text).items() if not isinstance(value, list)}  # type: ignore[union-attr]
        [pair] = extract(record, random.Random(seed))
        if pair.scenario == "negative":
            absent = re.search(r"There is no (.+) in it\.", pair.answer)
            assert absent and absent[1] in pair.prompt and absent[1] not in data
        elif pair.scenario == "complex":
            found = json.loads(pair.answer)
            assert 2 <= len(found) < len(data) and all(same(data[key], value) for key, value in found.items())
        else:
            field = next(key for key in data if re.search(rf"(?:the|value of|Extract) {key}\b", pair.prompt))
            assert pair.answer == (data[field] if isinstance(data[field], str) else json.dumps(data[field]))


@pytest.mark.parametrize("seed", range(10))
def test_restoration_is_exact(seed: int) -> None:
    [pair] = restore(GOOD[2], random.Random(seed))
    assert bare(pair.answer) in pair.prompt and pair.answer not in pair.prompt
    assert pair.answer in GOOD[2].completion  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "Well, it is.",
        'He said "no" to them all.',
        "It costs 3.5 dollars a day.",
        "See e.g. Mr. Smith there.",
        "no capital at the start here.",
    ],
)
def test_what_is_a_matter_of_taste_is_not_asked(text: str) -> None:
    assert not list(restore(Document(text=text), random.Random(0)))


@pytest.mark.parametrize("seed", range(20))
def test_condensing_is_exact(seed: int) -> None:
    for record in GOOD[2:4]:
        [pair] = condense(record, random.Random(seed))
        body = pair.prompt.partition("\n\n")[2] or pair.prompt.partition(": ")[2]
        if pair.prompt.startswith("Some sentences"):
            assert " ".join(dict.fromkeys(re.split(r"(?<=[.!?])\s+", body))) == pair.answer
            assert len(body) > len(pair.answer)
        elif pair.answer.startswith("- "):
            assert pair.answer == "\n".join(f"- {item}" for item in body.split("; "))
        elif pair.task == "condense":
            assert pair.answer == "; ".join(line.removeprefix("- ") for line in body.split("\n"))
        else:
            assert pair.answer == "They are all sweet and we have eaten them."


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("I can't and won't.", "I cannot and will not."),
        ("Don't!", "Do not!"),
        ("I'm sure you'll see we've", "I am sure you will see we have"),
        ("It’s Tom's", "It’s Tom's"),
        ("She hasn’t", "She has not"),
    ],
)
def test_contractions_of_one_reading(short: str, full: str) -> None:
    assert expand_contractions(short) == full


def test_what_was_made_names_its_parent_and_order_does_not_matter() -> None:
    made = synthesize(GOOD, list(INVERSE), seed=1)
    again = synthesize(GOOD[::-1], list(INVERSE), seed=1)
    assert {record_id(r) for r in made.records} == {record_id(r) for r in again.records}
    parents = {record_id(record) for record in GOOD}
    for record in made.records:
        origin = record.meta["synthesized"]
        assert origin["method"] in INVERSE and set(origin["parents"]) <= parents and record.meta["split_keys"]
    assert made.made["scramble"] == 2 and made.left_out["scramble: the text does not suit it"] == 3


def test_data_in_text() -> None:
    assert data_in('```json\n{"a": 1}\n```') == {"a": 1} and data_in("{broken") == {} and data_in("a: 1") == {}
    assert data_in("x: 1\nx: 2") == {} and data_in("note\nA: b\nC: d\nend\nE: f") == {"A": "b", "C": "d"}
