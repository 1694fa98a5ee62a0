from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.core.errors import DataError
from tunesmith.formats import detect

Put = Callable[[str, bytes | str], Path]
ALPACA, CHAT = {"instruction": "q", "output": "a"}, {"messages": [{"role": "user", "content": "q"}]}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.json", json.dumps([ALPACA]), "alpaca"),
        ("x.json", json.dumps([ALPACA], indent=2), "alpaca"),
        ("x.json", json.dumps(ALPACA) + "\n" + json.dumps(ALPACA), "alpaca"),
        ("x.json", json.dumps(ALPACA, indent=2) + "\n" + json.dumps(ALPACA, indent=2), "alpaca"),
        ("x.jsonl", "\n\n" + json.dumps(CHAT), "openai-chat"),
        ("x", json.dumps(CHAT), "openai-chat"),
        ("x.txt", json.dumps(CHAT), "openai-chat"),
        ("x.txt", "{ not JSON }", "plain-text"),
        ("x.csv", "prompt,completion\nq,a\n", "csv"),
        ("x.jsonl", '"a question?"\n"another?"\n', "trl-prompt-only"),
    ],
)
def test_name_and_content_decide(put: Put, name: str, content: str, expected: str) -> None:
    assert detect(put(name, content)) == expected


def test_on_doubt_it_says_what_it_saw_and_what_can_be_passed(put: Put) -> None:
    path = put("x.jsonl", "\n".join(map(json.dumps, [ALPACA, CHAT])))
    with pytest.raises(DataError, match=r"1 alpaca, 1 openai-chat.*pass format=.*|.*Pass format=") as caught:
        detect(path)
    assert "1 alpaca, 1 openai-chat" in caught.value.why and "sharegpt" in caught.value.remedy


def test_unknown_fields_are_listed(put: Put) -> None:
    with pytest.raises(DataError, match=r"foo \(number\), bar \(list\)"):
        detect(put("x.jsonl", '{"foo": 1, "bar": []}'))


def test_binary_and_unknown_names(put: Put) -> None:
    with pytest.raises(DataError, match="binary data"):
        detect(put("x.bin", bytes(range(256))))
    with pytest.raises(DataError, match=r"ends in '\.log'"):
        detect(put("x.log", "hello"))
