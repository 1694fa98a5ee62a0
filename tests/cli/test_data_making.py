"""The four verbs through the command line, with the real recipes on small files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.make.distill.fake_server import FakeServer, said, serving
from tunesmith.recipes import augment, clean, distill_data, synthesize
from tunesmith.store import load

from .shell import Shell
from .test_data import jsonl

ROWS = [
    {
        "prompt": "Describe the cafÃ© on the corner, please.",
        "completion": "It is small.\u200b Nobody knows why it is there.",
    },
    {"prompt": "Describe the café on the corner, please.", "completion": "It is small. Nobody knows why it is there."},
    {"prompt": "What is the biggest animal of the sea?", "completion": "TODO"},
    {"prompt": "How do I buy a ticket quickly?", "completion": "Name: counter\nPlace: hall\nPrice: 3"},
]


@pytest.fixture
def shell() -> Shell:
    return Shell(recipes={"clean": clean, "augment": augment, "synthesize": synthesize, "distill_data": distill_data})  # type: ignore[dict-item]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return jsonl(tmp_path / "rows.jsonl", list(ROWS))


def test_clean_fixes_drops_and_says_so(shell: Shell, file: Path, tmp_path: Path) -> None:
    finding = {"file": str(file), "line": 3, "field": "messages[1].content", "check": "noise.placeholder"}
    found = jsonl(tmp_path / "findings.jsonl", [{**finding, "reason": "says TODO", "severity": "error"}])
    words = (
        "data",
        "clean",
        file,
        "--fix",
        "unicode,invisible",
        "--fix",
        "duplicates",
        "--drop",
        "noise",
        "--findings",
        found,
    )
    dry = shell(*words, "--dry-run", "--json").json
    out = tmp_path / "out"
    body = shell(*words, "--out", out, "--json").json
    assert body["records_before"] == 4 and body["records"] == 2 and dry["records"] == 2
    assert body["changed"] == {"unicode": 1, "invisible": 1, "duplicates": 1} and body["rejected"] == 2
    rejected = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert [(row["line"], row["reason"].split(":")[0]) for row in rejected] == [
        (2, "duplicates"),
        (3, "noise.placeholder"),
    ]
    changes = [json.loads(line) for line in (out / "changes.jsonl").read_text().splitlines()]
    assert changes[0]["fix"] == "unicode" and "café" in changes[0]["after"]
    again = shell(
        "data", "clean", out, "--fix", "unicode,invisible,duplicates", "--out", tmp_path / "again", "--json"
    ).json
    assert again["rejected"] == 0 and load(tmp_path / "again").sha256 == load(out).sha256
    assert load(tmp_path / "again").manifest.parents == (load(out).sha256,)


@pytest.mark.parametrize(
    "words",
    [["--fix", "unicod"], ["--drop", "noise"], ["--fix", "terms"], ["--drop", "x", "--findings", "none.jsonl"], []],
)
def test_clean_refuses_and_writes_nothing(shell: Shell, file: Path, tmp_path: Path, words: list[str]) -> None:
    out = ["--out", str(tmp_path / "out")] if words else []  # without --out there is nowhere to write
    assert shell("data", "clean", file, *words, *out).code == 2 and not (tmp_path / "out").exists()
    assert shell("data", "clean", "--out", tmp_path / "out").code == 2


def test_augment_adds_labelled_variants_and_repeats_itself(shell: Shell, file: Path, tmp_path: Path) -> None:
    words = ("data", "augment", file, "--method", "complexity,persona", "--set", "share=1", "--seed", "4", "--json")
    body = shell(*words, "--out", tmp_path / "a").json
    assert body["made"] == {"complexity": 4, "persona": 4} and body["records"] == 12
    assert body["answer"] == {"complexity": "kept", "persona": "kept"}
    shell(*words, "--out", tmp_path / "b")
    assert load(tmp_path / "a").sha256 == load(tmp_path / "b").sha256
    assert {r.meta["augmented"]["seed"] for r in load(tmp_path / "a").records if "augmented" in r.meta} == {4}
    assert shell("data", "augment", file, "--method", "typo", "--out", tmp_path / "c").code == 2


def test_synthesize_from_records_and_from_tables(shell: Shell, file: Path, tmp_path: Path) -> None:
    body = shell("data", "synthesize", file, "--out", tmp_path / "a", "--json").json
    assert body["made"]["extract"] == 1 and body["made"]["scramble"] == 1
    (tmp_path / "t.csv").write_text("name,age\nAnn,30\nBob,41\n")
    words = ("data", "synthesize", "--set", f"tables=[{tmp_path / 't.csv'}]", "--method", "scramble,extract", "--json")
    assert shell(*words, "--out", tmp_path / "b").json["made"] == {"scramble": 2, "extract": 2}
    assert shell("data", "synthesize", "--out", tmp_path / "c").code == 2
    assert shell("data", "synthesize", file, "--method", "scenarios", "--out", tmp_path / "c").code == 2


def test_synthesize_fills_a_matrix_without_the_other_methods(shell: Shell, tmp_path: Path) -> None:
    record = {
        "kind": "demonstration",
        "messages": [{"role": "user", "content": "Describe the weather in the town."}],
        "meta": {"task": "chat"},
    }
    record["messages"].append({"role": "assistant", "content": "It rains."})  # type: ignore[attr-defined]
    file = jsonl(tmp_path / "r.jsonl", [record])
    (tmp_path / "c.json").write_text(json.dumps({"chat": {"plain": 1, "noisy": 0}}))
    words = ("--coverage", tmp_path / "c.json", "--set", "per_cell=2", "--out", tmp_path / "o", "--json")
    body = shell("data", "synthesize", file, *words).json
    assert body["scenarios"]["made"] == {"chat x plain": 0, "chat x noisy": 2} and body["records"] == 2
    assert "only a teacher" in body["scenarios"]["short"]["chat x plain"]


def teach(server: FakeServer) -> tuple[str, ...]:
    return ("--teacher", server.url, "--set", "teacher.model=tiny", "--json")


def test_distill_asks_filters_and_goes_on(shell: Shell, file: Path, tmp_path: Path) -> None:
    shell.environment["TUNESMITH_TEACHER_KEY"] = "sk-secret-987"
    with serving() as server:
        server.answer = lambda body: said(
            "I cannot help with that." if "animal" in body["messages"][0]["content"] else "Fine."
        )
        words = ("data", "distill", file, "--out", tmp_path / "o", *teach(server))
        part = shell(*words, "--set", "teacher.max_requests=2")
        assert part.code == 4 and part.json["error"]["type"] == "PartialError" and "2 questions" in part.err
        whole = shell(*words)
        assert whole.code == 0, whole.err
        assert len(server.bodies) == 4 and server.headers[0]["Authorization"] == "Bearer sk-secret-987"
    body = whole.json
    assert body["answers"] == {"new": 2, "known": 2} and body["records"] == 3 and body["left_out"] == {"refusal": 1}
    record = load(tmp_path / "o" / "snapshot").records[0]
    assert record.meta["distilled"]["teacher"] == f"tiny at {server.url}" and record.completion == "Fine."  # type: ignore[union-attr]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"sk-secret" not in written and "sk-secret" not in whole.err + part.err
    assert json.loads((tmp_path / "o" / "left_out.jsonl").read_text())["reasons"] == ["refusal"]


def test_distill_refuses_a_private_address_before_asking(shell: Shell, file: Path, tmp_path: Path) -> None:
    ran = shell(
        "data", "distill", file, "--teacher", "http://10.0.0.1/v1", "--set", "teacher.model=x", "--out", tmp_path / "o"
    )
    assert ran.code == 2 and "--allow-local" in ran.err and "private address" in ran.err
    assert shell("data", "distill", file, "--out", tmp_path / "o").code == 2


def test_self_instruct_through_a_teacher_repeats_from_its_log(shell: Shell, tmp_path: Path) -> None:
    def answer(body: dict[str, object]) -> object:
        text = body["messages"][-1]["content"]  # type: ignore[index]
        if "eight more" in text:
            return said("1. Write a short poem about a rusty gate.\n2. List four uses of an empty jar at home.")
        return said("No." if "classification" in text else "Input: \nOutput: Something good.")

    with serving() as server:
        server.answer = answer  # type: ignore[assignment]
        words = ("data", "synthesize", "--method", "self_instruct", "--set", "wanted=2", *teach(server))
        body = shell(*words, "--out", tmp_path / "o").json
        assert body["self_instruct"]["made"] == 2 and body["new_answers"] == 5
        assert shell(*words, "--out", tmp_path / "o").json["new_answers"] == 0
    assert {r.messages[0].content for r in load(tmp_path / "o" / "snapshot").records} == {  # type: ignore[union-attr]
        "Write a short poem about a rusty gate.",
        "List four uses of an empty jar at home.",
    }
