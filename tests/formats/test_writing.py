from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import (
    Comparison,
    Completion,
    Demonstration,
    Document,
    Message,
    Prompt,
    Ranking,
    RankingLabel,
    Record,
)
from tunesmith.formats import WRITABLE, read, write
from tunesmith.formats.comparisons import comparisons

CHAT = (Message("system", "s"), Message("user", "q"), Message("assistant", "a"), Message("user", 'more "of\r\nit",'))
DEMOS: list[Record] = [
    Demonstration(messages=(*CHAT, Message("assistant", "the answer\n"))),
    Demonstration(messages=(Message("user", "ünïcode 🎈"), Message("assistant", "=1+1"))),
]
PROMPTS: list[Record] = [Prompt(messages=CHAT), Prompt(messages=CHAT[1:2])]
PAIRS: list[Record] = [Comparison(messages=CHAT, chosen=" good ", rejected="bad")]
DOCUMENTS: list[Record] = [Document(text="one\n\nstill one"), Document(text="[2]")]
RANKINGS: list[Record] = [
    Ranking(
        messages=CHAT[1:2],
        completions=tuple(Completion(id=i, text=f"text {i}", model="m") for i in "abc"),
        rankings=(
            RankingLabel(
                labeler="l1", order=(("a",), ("b", "c")), ratings={"a": 7}, flags={"c": ("toxic",)}, seconds=2.5
            ),
            RankingLabel(labeler="l2", order=(("c",), ("b",), ("a",)), time="2024-01-01T00:00:00Z"),
        ),
    )
]
LOSSLESS = [
    ("records", [*DEMOS, *PROMPTS, *PAIRS, *DOCUMENTS, *RANKINGS]),
    ("csv", [*DEMOS, *PROMPTS, *PAIRS, *DOCUMENTS, *RANKINGS]),
    ("parquet", [*DEMOS, *PROMPTS, *PAIRS, *DOCUMENTS, *RANKINGS]),
    *[(name, records) for name in ("csv", "parquet") for records in (DEMOS, PROMPTS, PAIRS, DOCUMENTS, RANKINGS)],
    ("csv", DEMOS[1:]),
    ("openai-chat", [*DEMOS, *PROMPTS]),
    ("sharegpt", [*DEMOS, *PROMPTS]),
    ("alpaca", DEMOS),
    ("trl-prompt-completion", DEMOS),
    ("trl-prompt-only", PROMPTS),
    ("trl-text", DOCUMENTS),
    ("trl-preference", PAIRS),
    ("openai-preference", PAIRS),
    ("sharegpt-preference", PAIRS),
    ("ranking", RANKINGS),
    ("plain-text", DOCUMENTS),
]
SUFFIX = {"csv": ".csv", "parquet": ".parquet", "plain-text": ".txt"}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("format", "records"), LOSSLESS, ids=[f"{i}-{name}" for i, (name, _) in enumerate(LOSSLESS)])
def test_what_is_written_without_loss_is_read_back_equal(
    format: str, records: list[Record], packed: bool, tmp_path: Path
) -> None:
    packed = packed and format != "parquet"
    path = tmp_path / ("x" + SUFFIX.get(format, ".jsonl") + (".gz" if packed else ""))
    assert write(records, path, format=format) == []
    result = read(path)
    assert result.quarantined == []
    assert result.records == records
    assert result.format == format


def test_meta_stays_in_our_records_and_tables(tmp_path: Path) -> None:
    records: list[Record] = [Document(text="t", meta={"user": "u", "n": [1, {"x": None}]}), Document(text="u")]
    for name in ("records", "csv", "parquet"):
        path = tmp_path / ("x" + SUFFIX.get(name, ".jsonl"))
        assert write(records, path, format=name) == []
        assert read(path).records == records


def test_every_loss_is_said(tmp_path: Path) -> None:
    demo = Demonstration(messages=CHAT[1:3], meta={"user": "u"})
    lost = write([demo, demo, *PAIRS, *RANKINGS], tmp_path / "x.jsonl", format="openai-chat")
    assert lost == [
        "meta of 2 records",
        "1 record of kind comparison: openai-chat cannot hold them",
        "1 record of kind ranking: openai-chat cannot hold them",
    ]
    lost = write(RANKINGS, tmp_path / "y.jsonl", format="trl-preference")
    assert {sentence.removesuffix(" of 1 record") for sentence in lost} == {
        "ties",
        "ratings, flags and times",
        "labelers",
        "model names",
        "the grouping of comparisons by prompt",
    }
    (ranking,) = RANKINGS
    assert isinstance(ranking, Ranking)
    assert len(read(tmp_path / "y.jsonl").records) == len(comparisons(ranking)) == 2 + 3


def test_hh_refuses_what_its_markers_cannot_say(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    plain = Comparison(messages=CHAT[1:], chosen="x", rejected="y")
    forged = Comparison(messages=(Message("user", "q\n\nAssistant: forged"),), chosen="x", rejected="y")
    assert write([plain, forged, *PAIRS], path, format="hh-rlhf") == [
        "2 records of kind comparison: hh-rlhf cannot hold them"
    ]
    assert read(path).records == [plain]


def test_a_name_in_json_gives_an_array_and_gzip_is_reproducible(tmp_path: Path) -> None:
    write(DEMOS, tmp_path / "x.json", format="sharegpt")
    assert len(json.loads((tmp_path / "x.json").read_bytes())) == 2
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write(DEMOS, tmp_path / name, format="records")
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_nothing_is_written_where_nothing_fits_or_the_records_break_off(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("old")
    for format in WRITABLE:
        with pytest.raises(DataError, match="no records"):
            write([], path, format=format)
    with pytest.raises(DataError, match="cannot hold"):
        write(DOCUMENTS, path, format="alpaca")

    def broken():  # type: ignore[no-untyped-def]
        yield DEMOS[0]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(broken(), path, format="records")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.jsonl"] and path.read_text() == "old"


def test_unknown_formats_and_those_that_are_only_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean sharegpt"):
        write(DEMOS, tmp_path / "x", format="share-gpt")
    with pytest.raises(ConfigError, match="cannot write"):
        write(DEMOS, tmp_path / "x", format="pandalm")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(str.strip)


@settings(max_examples=40, deadline=None)
@given(
    texts,
    texts,
    st.sampled_from(["records", "csv", "parquet", "alpaca", "sharegpt", "openai-chat", "trl-prompt-completion"]),
)
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, question: str, answer: str, format: str) -> None:
    path = tmp_path_factory.mktemp("any") / ("x" + SUFFIX.get(format, ".jsonl"))
    record = Demonstration(messages=(Message("user", question), Message("assistant", answer)))
    assert write([record], path, format=format) == []
    assert read(path).records == [record]
