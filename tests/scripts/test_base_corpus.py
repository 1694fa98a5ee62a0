"""The corpus script: equal output for equal input, counted losses, documented mix, named errors."""

from __future__ import annotations

import gzip
import importlib.util
import json
import random
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("base_corpus", ROOT / "scripts" / "base_corpus.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["base_corpus"] = module
    spec.loader.exec_module(module)
    return module


script = _load()
PLAIN = "The old man walked down to the sea with his dog, and they sat there for a while and looked at the boats. "


def _pack(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of the real shape with a few rows in each source."""
    base = tmp_path / "data"
    prose = [{"source": "b", "text": "\n".join(f"{i} {j}. {PLAIN * 2}" for j in range(8))} for i in range(6)]
    for index, name in enumerate(("us_gov_plain_prose", "children_classics", "light_fiction", "openstax_ccby")):
        source = next(s for s in script.SOURCES if s.name == name)
        rows = [{**row, "text": str(row["text"]).replace("dog", f"dog{'s' * index}")} for row in prose]
        _pack(base / name / source.file, rows)
    answer = "It is a thing that we all have had now and then. " * 10
    asked = [{"question": f"What is thing {i} ?", "answer": f"Thing {i}. {answer}"} for i in range(12)]
    _pack(base / "medquad" / "medquad_7k.jsonl.gz", asked)
    turns = [["user", "can I have a tea, please?"], ["assistant", "Of course, it will be ready in a minute."]]
    orders = [{"turns": [["user", f"I am number {i}"], *turns]} for i in range(30)]
    _pack(base / "taskmaster4" / "tm4.jsonl", [*orders, orders[0]])
    chat = "\n".join(f"User {i % 2 + 1}: I think that we can do this {i} times a week." for i in range(12))
    (base / "synthetic_persona_chat").mkdir()
    cells = "".join(f'a,b,"{chat} {i}"\n' for i in range(5)) + 'a,b,"User 1: I am [User 1\'s name].\nUser 2: Hi."\n'
    header = "user 1 personas,user 2 personas,Best Generated Conversation\n"
    (base / "synthetic_persona_chat" / "valid.csv").write_text(header + cells, encoding="utf-8")
    (base / "tatoeba_fra_eng").mkdir()
    sentences = "\n".join(f"I have {i} apples and you have none." for i in range(300))
    (base / "tatoeba_fra_eng" / "english_unique.txt.gz").write_bytes(gzip.compress(sentences.encode()))
    return base


def _run(data: Path, out: Path, *more: str) -> int:
    return int(script.main(["--data", str(data), "--out", str(out), "--characters", "20000", *more]))


def test_equal_arguments_give_an_equal_file_and_its_hash_is_printed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = [tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    assert [_run(data, outs[0]), _run(data, outs[1]), _run(data, outs[2], "--seed", "1")] == [0, 0, 0]
    assert outs[0].read_bytes() == outs[1].read_bytes() != outs[2].read_bytes()
    hashes = [line.split()[1] for line in capsys.readouterr().out.split("\n") if line.startswith("sha256")]
    assert hashes[0] == hashes[1] != hashes[2]
    assert not list(tmp_path.glob("*.partial"))


def test_rows_name_source_and_licence_and_keep_the_length(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.jsonl"
    assert _run(data, out) == 0
    rows = [json.loads(line) for line in out.read_text().split("\n") if line]
    assert {r["meta"]["source"] for r in rows} == {s.name for s in script.SOURCES}
    assert all(r["meta"]["licence"] and script.SHORTEST <= len(r["text"]) <= script.LONGEST for r in rows)
    assert len({r["text"] for r in rows}) == len(rows)


def test_what_is_left_out_is_printed_with_its_reason(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.main(["--data", str(data), "--out", str(tmp_path / "o.jsonl")])
    printed = capsys.readouterr().out
    assert "left out of taskmaster4: 1 x repeated dialogue" in printed
    assert "left out of synthetic_persona_chat: 1 x conversation with template" in printed
    assert "left out of medquad: 1 x" not in printed


def test_shares_add_up_and_a_small_source_passes_its_rest_on(data: Path, tmp_path: Path) -> None:
    assert sum(s.share for s in script.SOURCES) == pytest.approx(1.0)
    before = {name: sum(map(len, texts)) for name, texts in script.collect(data, 40_000, 0, {}).items()}
    path = data / "medquad" / "medquad_7k.jsonl.gz"
    _pack(path, script.json_rows(path)[:1])
    after = {name: sum(map(len, texts)) for name, texts in script.collect(data, 40_000, 0, {}).items()}
    assert after["medquad"] < 0.3 * before["medquad"]
    for sizes in (before, after):
        assert sum(sizes.values()) == pytest.approx(40_000, abs=script.LONGEST)
    assert after["children_classics"] > before["children_classics"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Write to kim@larkfield.example for more of this.", "address"),
        ("See https://a.example for what it is.", "address"),
        ("This is {{ page.title }} of the book.", "template"),
        ("Der Hund lief durch den Wald zu dem alten Haus dort hinten.", "no common English word"),
        ("\u041f\u0440\u0438\u0432\u0435\u0442, this is not plain.", "outside plain English"),
        ("We know that , where it holds, is right.", "gap"),
        ("12 34 56 78 90 12 34 56 78 90 12", "digits"),
        ("Title: The Fox", "front matter"),
    ],
)
def test_lines_that_are_no_clean_english_are_dropped(line: str, reason: str) -> None:
    assert reason in str(script.why_dropped(line))


def test_clean_lines_stay() -> None:
    assert script.why_dropped('"I see," said the fox. "It is 5 dollars; that is all I had to know."') is None


def test_quotes_dashes_and_accents_become_plain() -> None:
    text = "\u201cIt\u2019s the caf\u00e9\u2026\u201d \u2014  a \u2018home\u2019"
    assert script.plain(text) == "\"It's the cafe...\" - a 'home'"


def test_lines_broken_in_mid_sentence_are_joined() -> None:
    dropped: Counter[str] = Counter()
    text = "The fox was in the\nwood.\nThen he left."
    assert list(script.paragraphs(text, dropped)) == ["The fox was in the wood.", "Then he left."]


def test_packing_cuts_at_borders_and_counts_fragments() -> None:
    dropped: Counter[str] = Counter()
    parts = [f"{i}. {PLAIN}".strip() for i in range(40)]
    packed = list(script.pack(iter([*parts, "x" * 2000]), random.Random(0), dropped))
    assert all(script.SHORTEST <= len(text) <= script.LONGEST for text in packed)
    kept = [part for text in packed for part in text.split("\n")]
    assert kept == parts[: len(kept)]
    assert dropped["sentence longer than a document"] == 1
    assert len(parts) - len(kept) <= 2


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    cut = list(script.pieces(PLAIN * 30))
    assert all(len(piece) <= script.LONGEST and piece.endswith("boats.") for piece in cut)
    assert " ".join(cut) == (PLAIN * 30).strip()


def test_a_missing_source_is_exit_2_and_nothing_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "medquad" / "medquad_7k.jsonl.gz").unlink()
    assert _run(data, tmp_path / "o.jsonl") == 2
    assert "medquad_7k.jsonl.gz" in capsys.readouterr().err
    assert not (tmp_path / "o.jsonl").exists()


def test_a_broken_row_is_exit_3_with_its_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = data / "taskmaster4" / "tm4.jsonl"
    path.write_text(path.read_text() + "{broken\n")
    assert _run(data, tmp_path / "o.jsonl") == 3
    assert "tm4.jsonl:32" in capsys.readouterr().err


def test_zero_characters_is_exit_2(data: Path, tmp_path: Path) -> None:
    assert script.main(["--data", str(data), "--out", str(tmp_path / "o"), "--characters", "0"]) == 2


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real data sets lie beside the repository; they are not here")
def test_the_real_sets_give_clean_text(tmp_path: Path) -> None:
    out = tmp_path / "real.jsonl"
    assert script.main(["--data", str(REAL), "--out", str(out), "--characters", "300000"]) == 0
    rows = [json.loads(line) for line in out.read_text().split("\n") if line]
    sizes: Counter[str] = Counter()
    for row in rows:
        sizes[row["meta"]["source"]] += len(row["text"])
        assert row["text"].isascii()
    for source in script.SOURCES:
        assert sizes[source.name] / sizes.total() == pytest.approx(source.share, abs=0.03)
