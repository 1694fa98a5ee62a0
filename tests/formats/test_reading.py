from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Demonstration, Prompt, record_id
from tunesmith.formats import READABLE, read
from tunesmith.formats.known import FORMATS

Put = Callable[[str, bytes | str], Path]
GOOD = b'{"prompt":"q","completion":"a"}\n'

# A bad line, the field that is named, and a part of the reason. Each stands between two good lines.
BAD_LINES: list[tuple[str, bytes, str, str]] = [
    ("invalid-json", b'{"prompt": "q", "completion": }', "", "not valid JSON"),
    ("not-an-object", b"[1, 2]", "", "must be an object, not list"),
    ("a-number", b"7", "", "must be an object, not int"),
    ("utf-16", '{"prompt":"q","completion":"a"}'.encode("utf-16"), "", ""),
    ("utf-16-le", '{"prompt":"q","completion":"a"}\n'.encode("utf-16-le")[:-1], "", "zero bytes"),
    ("invalid-utf-8", b'{"prompt":"\xff\xfe","completion":"a"}', "", "not valid JSON"),
    ("raw-nul", b'{"prompt":"q\x00","completion":"a"}', "", "zero bytes"),
    ("escaped-nul", rb'{"prompt":"q\u0000","completion":"a"}', "messages[0].content", "zero byte"),
    ("lone-surrogate", rb'{"prompt":"q\ud800","completion":"a"}', "", "not valid JSON"),
    ("nan", b'{"prompt":"q","completion":NaN}', "", "not valid JSON"),
    ("boolean", b'{"prompt":"q","completion":true}', "completion", "must be text, not bool"),
    ("number", b'{"prompt":3,"completion":"a"}', "prompt", "must be text, not int"),
    ("missing", b'{"prompt":"q"}', "completion", "is missing"),
    ("null", b'{"prompt":"q","completion":null}', "completion", "is missing"),
    ("other-format", b'{"foo":1}', "prompt", "is missing"),
    ("empty-prompt", b'{"prompt":"  ","completion":"a"}', "prompt", "is empty"),
    ("empty-completion", b'{"prompt":"q","completion":"\\n"}', "completion", "is empty"),
    ("deep", b'{"prompt":"q","completion":' + b"[" * 3000 + b"]" * 3000 + b"}", "", "depth"),
    ("deep-meta", b'{"prompt":"q","completion":"a","x":' + b"[" * 500 + b"]" * 500 + b"}", "meta", "cannot be stored"),
    ("huge", b'{"prompt":"q","completion":"' + b"a" * 10_000_000 + b'"}', "", "the limit for one row"),
]


@pytest.mark.parametrize(("line", "field", "reason"), [row[1:] for row in BAD_LINES], ids=[row[0] for row in BAD_LINES])
def test_a_bad_line_is_set_aside_and_its_neighbours_are_kept(put: Put, line: bytes, field: str, reason: str) -> None:
    path = put("data.jsonl", GOOD + line + b"\n" + GOOD)
    result = read(path, format="trl-prompt-completion")
    assert len(result.records) == 2
    (bad,) = result.quarantined
    assert (bad.file, bad.line, bad.field) == (str(path), 2, field)
    assert reason in bad.reason
    assert len(bad.raw) <= 500
    with pytest.raises(DataError) as stopped:
        read(path, format="trl-prompt-completion", on_bad_row="stop")
    assert stopped.value.where == f"{path}:2" + (f":{field}" if field else "")


RANKING = {
    "messages": [{"role": "user", "content": "q"}],
    "completions": [{"id": "a", "text": "x"}, {"id": "b", "text": "y"}, {"id": "c", "text": "z"}],
    "rankings": [{"labeler": "l", "order": [["a", "b", "c"]]}],
}
PAIR = {"prompt": "q", "chosen": "x", "rejected": "y"}
CHAT = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}


def label(**change: Any) -> dict[str, Any]:
    return {**RANKING, "rankings": [{"labeler": "l", "order": [["a"], ["b"]], **change}]}


NATIVE = {**RANKING, "kind": "ranking"}
BAD_ROWS: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("unknown-role", CHAT, {"messages": [{"role": "wizard", "content": "q"}]}, "messages[0].role", "unknown role"),
    ("two-users", CHAT, {"messages": CHAT["messages"][:1] * 2}, "messages", "2 user turns"),
    ("no-user", CHAT, {"messages": CHAT["messages"][1:]}, "messages", "no user turn"),
    ("no-turns", CHAT, {"messages": []}, "messages", "non-empty list"),
    (
        "image-part",
        CHAT,
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        "messages[0].content[0]",
        "not text",
    ),
    ("equal-pair", PAIR, {**PAIR, "rejected": "x"}, "rejected", "chosen equals rejected"),
    (
        "one-completion",
        RANKING,
        {**RANKING, "completions": RANKING["completions"][:1], "rankings": []},
        "completions",
        "at least two",
    ),
    ("unknown-id", RANKING, label(order=[["a"], ["d"]]), "rankings[0].order", "unknown completion id 'd'"),
    ("id-twice", RANKING, label(order=[["a"], ["a", "b"]]), "rankings[0].order", "ranked twice"),
    ("one-ranked", RANKING, label(order=[["a"]]), "rankings[0].order", "at least two"),
    ("empty-group", RANKING, label(order=[["a"], [], ["b"]]), "rankings[0].order", "empty group"),
    ("rating-not-whole", RANKING, label(ratings={"a": 3.5}), "rankings[0].ratings.a", "whole number"),
    ("rating-huge", RANKING, label(ratings={"a": 1e300}), "rankings[0].ratings.a", "whole number"),
    ("rating-text", RANKING, label(ratings={"a": "7"}), "rankings[0].ratings.a", "whole number"),
    ("flags", RANKING, label(flags={"a": 1}), "rankings[0].flags", "list of texts"),
    ("seconds", RANKING, label(seconds="3"), "rankings[0].seconds", "number"),
    (
        "native-ratings",
        NATIVE,
        {**label(ratings={"a": "7"}), "kind": "ranking"},
        "rankings[0].ratings.a",
        "whole number",
    ),
    ("native-flags", NATIVE, {**label(flags=[1]), "kind": "ranking"}, "rankings[0].flags", "list of texts"),
    ("ids-equal", RANKING, {**RANKING, "completions": [{"id": "a", "text": "x"}] * 2}, "completions", "same id"),
    (
        "id-type",
        RANKING,
        {**RANKING, "completions": [{"id": [1], "text": "x"}] * 2},
        "completions[0].id",
        "whole number",
    ),
]


@pytest.mark.parametrize(
    ("good", "bad", "field", "reason"), [row[1:] for row in BAD_ROWS], ids=[row[0] for row in BAD_ROWS]
)
def test_a_row_with_a_wrong_value_is_set_aside(
    put: Put, good: dict[str, Any], bad: dict[str, Any], field: str, reason: str
) -> None:
    rows = [good, {**bad}, good, good]
    result = read(put("data.jsonl", "\n".join(map(json.dumps, rows))))
    assert len(result.records) == 3
    (found,) = result.quarantined
    assert (found.line, found.field) == (2, field)
    assert reason in found.reason


def test_an_all_tied_ranking_is_a_valid_record(put: Put) -> None:
    assert not read(put("data.jsonl", json.dumps(RANKING))).quarantined


def test_the_last_line_cut_off(put: Put) -> None:
    result = read(put("data.jsonl", GOOD + GOOD[:15]))
    assert [len(result.records), [bad.line for bad in result.quarantined]] == [1, [2]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["data.jsonl", "data.csv", "data.json", "data.txt"])
def test_byte_order_marks_and_utf_16(put: Put, encoding: str, name: str) -> None:
    texts = {
        "data.jsonl": '{"text":"höchst einfach"}\n{"text":"zwei"}\n',
        "data.json": '[{"text":"höchst einfach"},\n{"text":"zwei"}]',
        "data.csv": "text\r\nhöchst einfach\r\nzwei\r\n",
        "data.txt": "höchst einfach\n\nzwei\n",
    }
    result = read(put(name, texts[name].encode(encoding)))
    assert [record.text for record in result.records] == ["höchst einfach", "zwei"]  # type: ignore[union-attr]
    assert not result.quarantined


def test_gzip_is_read_whatever_its_name(put: Put) -> None:
    assert len(read(put("data.jsonl", gzip.compress(GOOD * 3))).records) == 3


def test_a_gzip_file_that_breaks_off_keeps_what_came_before(put: Put) -> None:
    lines = b"".join(b'{"text":"%d %s"}\n' % (i, bytes(str(hash_free(i)), "ascii")) for i in range(20_000))
    packed = gzip.compress(lines)
    result = read(put("data.jsonl.gz", packed[: len(packed) // 2]))
    assert 1000 < len(result.records) < 20_000
    assert "damaged" in result.quarantined[-1].reason


def hash_free(i: int) -> int:
    return (i * 2654435761) % 2**32


def test_an_empty_file_and_one_without_good_rows(put: Put) -> None:
    for name, content in (("empty.jsonl", b""), ("blank.csv", b" \n\n"), ("empty.parquet", b"")):
        with pytest.raises(DataError, match="is empty") as caught:
            read(put(name, content))
        assert caught.value.exit_code == 3
    with pytest.raises(DataError, match="none of its 2 rows is good") as caught:
        read(put("bad.jsonl", '{"prompt":"","completion":"a"}\n' * 2))
    assert caught.value.where.endswith("bad.jsonl:1:prompt")


def test_a_header_without_rows_is_no_data(put: Put) -> None:
    with pytest.raises(DataError):
        read(put("data.csv", "prompt,completion\n"))


def test_a_missing_file_names_the_nearest(put: Put) -> None:
    path = put("demonstrations.jsonl", GOOD)
    with pytest.raises(ConfigError, match=r"demonstrations\.jsonl") as caught:
        read(path.with_name("demonstration.jsonl"))
    assert caught.value.exit_code == 2
    with pytest.raises(ConfigError, match="is a folder"):
        read(path.parent)
    with pytest.raises(ConfigError, match="no folder"):
        read(path.parent / "none" / "x.jsonl")


def test_unknown_names_are_refused_with_the_nearest(put: Put) -> None:
    path = put("data.jsonl", GOOD)
    with pytest.raises(ConfigError, match="Did you mean alpaca"):
        read(path, format="alpacca")
    with pytest.raises(ConfigError, match="Did you mean prompt"):
        read(path, kind="prompts")


def test_kind_reads_each_record_as_that_kind(put: Put) -> None:
    path = put("data.jsonl", GOOD + b'{"prompt":"only"}\n' + GOOD)
    # The second row does not fit the file's format.
    assert [type(r) for r in read(path, kind="prompt").records] == [Prompt, Prompt]
    mixed = put("mixed.jsonl", '{"messages":[{"role":"user","content":"q"}]}\n' + json.dumps(CHAT))
    result = read(mixed, kind="demonstration")
    assert [type(r) for r in result.records] == [Demonstration]
    assert "1 prompt record(s) cannot be read as a demonstration and are left out" in result.notes
    with pytest.raises(DataError, match="nothing that can be read as a ranking"):
        read(mixed, kind="ranking")


def test_reading_twice_gives_the_same(put: Put) -> None:
    path = put("data.jsonl", GOOD + b"{\n" + GOOD)
    assert read(path) == read(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "kind",
    "messages",
    "content",
    "role",
    "completions",
    "rankings",
    "order",
    "ratings",
    "id",
    "text",
    "prompt",
    "completion",
    "chosen",
    "rejected",
    "input",
    "output",
    "instruction",
    "instances",
    "conversations",
    "from",
    "value",
    "label",
    "response1",
    "response2",
    "annotator1",
    "generations",
    "rating",
    "replies",
    "parent_id",
    "message_id",
    "system",
    "history",
    "meta",
    "question",
    "answer",
    "Instances",
    "Definition",
    "preferred_output",
    "turns",
]
objects = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["user", "ranking", "document", "a", "", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=20,
)


def read_or_refuse(content: bytes, name: str, format: str | None) -> None:
    """Read bytes as a file: records that can be hashed, or one of the two errors a user may meet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            result = read(path, format=format)
        except (DataError, ConfigError) as error:
            str(error).encode()
            return
    for record in result.records:
        record_id(record)
    assert all(len(bad.raw) <= 500 and bad.reason for bad in result.quarantined)


names = st.sampled_from(["x.jsonl", "x.json", "x.csv", "x.tsv", "x.txt", "x.parquet", "x.gz", "x"])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), names, st.sampled_from([None, *READABLE]))
def test_arbitrary_bytes_never_crash(content: bytes, name: str, format: str | None) -> None:
    read_or_refuse(content, name, format)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='[]{}",:\\\n \r\tab1;\x00\ufeff<|', max_size=80), names)
def test_arbitrary_punctuation_never_crashes(content: str, name: str) -> None:
    read_or_refuse(content.encode(), name, None)


@settings(max_examples=120, deadline=None)
@given(st.lists(objects | json_values, min_size=1, max_size=3), st.sampled_from([None, *FORMATS]), st.booleans())
def test_arbitrary_json_never_crashes(rows: list[Any], format: str | None, as_array: bool) -> None:
    text = json.dumps(rows) if as_array else "\n".join(map(json.dumps, rows))
    read_or_refuse(text.encode(), "x.json" if as_array else "x.jsonl", format)
