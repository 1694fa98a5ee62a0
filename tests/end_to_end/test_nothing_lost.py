"""Bad rows of sixty kinds among good ones: each is set aside with file, line, field and reason, no good one is lost."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tunesmith.checks.known import CheckPlan
from tunesmith.checks.run import run_checks
from tunesmith.core.records import Demonstration
from tunesmith.formats import stream

Turn = dict[str, Any]
ASKED: Turn = {"role": "user", "content": "What is it?"}
SAID: Turn = {"role": "assistant", "content": "It is that."}


def row(messages: Any) -> bytes:
    return json.dumps({"messages": messages}).encode()


GOOD = row([ASKED, SAID])


def asked(content: Any) -> bytes:
    return row([{"role": "user", "content": content}, SAID])


def said(content: Any) -> bytes:
    return row([ASKED, {"role": "assistant", "content": content}])


def from_role(role: Any) -> bytes:
    return row([{"role": role, "content": "What is it?"}, SAID])


def spoilt(what: bytes) -> bytes:
    return GOOD.replace(b"What", what)


NO_JSON, NO_ROW, NO_TURNS, NO_TEXT = "not valid JSON", "must be an object", "non-empty list", "must be text"
# The row, the field that is named, a part of the reason.
KINDS: tuple[tuple[bytes, str, str], ...] = (
    (GOOD[:40], "", NO_JSON),  # cut off
    (GOOD[:-1], "", NO_JSON),
    (GOOD[:-1] + b",}", "", NO_JSON),
    (GOOD.replace(b'"', b"'"), "", NO_JSON),
    (GOOD + b" ok", "", NO_JSON),
    (b"row: " + GOOD, "", NO_JSON),
    (GOOD + GOOD, "", NO_JSON),
    (GOOD.replace(b'"messages"', b"messages"), "", NO_JSON),
    (b'{"messages": None}', "", NO_JSON),
    (b'{"messages": NaN}', "", NO_JSON),
    (b'{"messages": Infinity}', "", NO_JSON),
    (b"<p>What is it?</p>", "", NO_JSON),
    (b"What is it?,It is that.", "", NO_JSON),
    (spoilt(b"\xff"), "", NO_JSON),
    (spoilt("été".encode("latin-1")), "", NO_JSON),
    (spoilt(b"\xe2\x82"), "", NO_JSON),  # a character cut off
    (spoilt(b"\xc0\xaf"), "", NO_JSON),  # an overlong form
    (spoilt(b"\xed\xa0\x80"), "", NO_JSON),  # half a surrogate pair, as bytes
    (spoilt(rb"\ud800"), "", NO_JSON),
    (spoilt(b"Wh\x01at"), "", NO_JSON),
    (spoilt(rb"\q"), "", NO_JSON),
    (spoilt(rb"\u12"), "", NO_JSON),
    (spoilt(b"Wh\x00at"), "", "zero bytes"),
    (GOOD.decode().encode("utf-16-le"), "", "zero bytes"),
    (b'{"messages": ' + b"[" * 2000 + b"]" * 2000 + b"}", "", "depth limit"),
    (b"[" + GOOD + b"]", "", NO_ROW),
    (b"[]", "", NO_ROW),
    (b"7", "", NO_ROW),
    (b"true", "", NO_ROW),
    (b"null", "", NO_ROW),
    (b"{}", "messages", NO_TURNS),
    (b'{"conversation": "x"}', "messages", NO_TURNS),
    (row(None), "messages", NO_TURNS),
    (row("hello"), "messages", NO_TURNS),
    (row(3), "messages", NO_TURNS),
    (row(ASKED), "messages", NO_TURNS),
    (row([]), "messages", NO_TURNS),
    (row(["hello"]), "messages[0]", NO_ROW),
    (row([3]), "messages[0]", NO_ROW),
    (row([ASKED, None]), "messages[1]", NO_ROW),
    (row([{"content": "What is it?"}, SAID]), "messages[0].role", "unknown role"),
    (from_role(None), "messages[0].role", "unknown role"),
    (from_role(1), "messages[0].role", "unknown role"),
    (from_role("wizard"), "messages[0].role", "unknown role 'wizard'"),
    (from_role(""), "messages[0].role", "unknown role"),
    (row([{"role": "user"}, SAID]), "messages[0].content", NO_TEXT),
    (asked(None), "messages[0].content", NO_TEXT),
    (asked(3), "messages[0].content", NO_TEXT),
    (asked(True), "messages[0].content", NO_TEXT),
    (asked({"text": "x"}), "messages[0].content", NO_TEXT),
    (asked([{"type": "image_url", "image_url": "x"}]), "messages[0].content[0]", "not text"),
    (asked(""), "messages[0].content", "is empty"),
    (asked(" \n\t"), "messages[0].content", "is empty"),
    (asked("a\0b"), "messages[0].content", "zero byte"),
    (said("\n  "), "messages[1].content", "is empty"),
    (said(7), "messages[1].content", NO_TEXT),
    (said("a\0b"), "messages[1].content", "zero byte"),
    (row([ASKED, ASKED, SAID]), "messages", "2 user turns"),
    (row([ASKED, SAID, SAID]), "messages", "two assistant turns"),
    (row([SAID]), "messages", "no user turn"),
)


def plant(path: Path, good: int, bad: int) -> dict[int, tuple[bytes, str, str]]:
    """Write good rows that count themselves, with bad ones at random places; return line -> the kind there."""
    rng = random.Random(0)
    # The first rows say which format it is.
    places = sorted(rng.sample(range(200, good + bad), bad))
    kinds = [KINDS[i % len(KINDS)] for i in range(bad)]
    rng.shuffle(kinds)
    planted = {place + 1: kind for place, kind in zip(places, kinds, strict=True)}
    number = 0
    with path.open("wb") as file:
        for line in range(1, good + bad + 1):
            if line in planted:
                file.write(planted[line][0] + b"\n")
                continue
            file.write(GOOD.replace(b"What is it", b"What is %d" % number).replace(b"that", b"%d" % -number) + b"\n")
            number += 1
    return planted


def examine(path: Path, planted: dict[int, tuple[bytes, str, str]], good: int) -> None:
    """Assert of every row that it is where it belongs."""
    number = 0
    seen: set[int] = set()
    for found in stream(path):
        if found.line not in planted:
            (record,) = found.records
            assert isinstance(record, Demonstration) and not found.quarantined
            assert [m.content for m in record.messages] == [f"What is {number}?", f"It is {-number}."]
            number += 1
            continue
        (bad,), kind = found.quarantined, planted[found.line]
        assert not found.records and found.line not in seen
        assert (bad.file, bad.line, bad.field) == (str(path), found.line, kind[1]), kind
        assert kind[2] in bad.reason and bad.raw, kind
        seen.add(found.line)
    assert number == good and seen == set(planted)


@pytest.mark.parametrize(
    ("good", "bad", "workers"), [(3000, 300, 1), pytest.param(1_000_000, 10_000, 2, marks=pytest.mark.slow)]
)
def test_every_bad_row_is_named_and_no_good_row_is_lost(tmp_path: Path, good: int, bad: int, workers: int) -> None:
    path = tmp_path / "rows.jsonl"
    planted = plant(path, good, bad)
    assert len(KINDS) == 60 and len({kind[0] for kind in planted.values()}) == 60
    began = time.process_time()
    examine(path, planted, good)
    print(f"{good:,} good and {bad:,} bad rows read in {time.process_time() - began:.0f} s of processor time")
    findings = []
    for run in range(2):
        with (tmp_path / f"findings{run}").open("wb") as file:
            checked = run_checks([path], CheckPlan(("broken",)), file, workers=workers if run else 1)
        findings.append((tmp_path / f"findings{run}").read_bytes())
        assert (checked.rows, checked.bad_rows) == (good + bad, bad)
    assert findings[0] == findings[1]
    named = [json.loads(line) for line in findings[0].splitlines()]
    assert Counter(f["line"] for f in named if f["severity"] == "error") == Counter(planted.keys())
    assert all(f["field"] == planted[f["line"]][1] and f["reason"] and f["file"] == str(path) for f in named)
