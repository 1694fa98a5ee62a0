from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.records import record_id
from tunesmith.store import load

from .shell import Shell

ROWS = [{"instruction": f"Name the number {n}.", "input": "", "output": str(n)} for n in range(20)]


@pytest.fixture
def alpaca(tmp_path: Path) -> Path:
    return jsonl(tmp_path / "a.jsonl", ROWS)


def jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_import_names_the_format_and_makes_a_snapshot(shell: Shell, alpaca: Path, tmp_path: Path) -> None:
    out = tmp_path / "snap"
    ran = shell("data", "import", alpaca, "--out", out)
    assert ran.code == 0, ran.err
    assert f"{alpaca}: alpaca, 20 records\n" in ran.err
    assert ran.out.splitlines()[0] == "20 demonstration records"
    assert ran.out.splitlines()[-1].endswith(f"next: tunesmith train sft --model desk --data {out} --out runs/sft")
    assert len(load(out).records) == 20 and len(load(out).manifest.parents) == 1
    assert not (out / "quarantine.jsonl").exists()


def test_import_again_changes_nothing(shell: Shell, alpaca: Path, tmp_path: Path) -> None:
    out = tmp_path / "snap"
    assert shell("data", "import", alpaca, "--out", out).code == 0
    assert shell("data", "import", out, "--out", tmp_path / "copy").code == 0
    assert load(tmp_path / "copy").sha256 == load(out).sha256
    assert shell("data", "import", alpaca, "--out", out).code == 0


def test_bad_rows_are_set_aside_with_place_and_reason(shell: Shell, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [*ROWS, '{"instruction": "x', {"instruction": "x", "input": "", "output": 3}])
    out = tmp_path / "snap"
    ran = shell("data", "import", file, "--out", out, "--json")
    body = ran.json
    assert ran.code == 0 and body["records"] == 20 and body["quarantined"] == 2
    assert f"set aside: {file}:21" in ran.err
    rows = [json.loads(line) for line in (out / "quarantine.jsonl").read_text().splitlines()]
    assert [row["line"] for row in rows] == [21, 22] and all(row["reason"] for row in rows)
    assert body["artefacts"]["quarantine"] == str(out / "quarantine.jsonl")


def test_stop_on_a_bad_row_is_exit_3_and_writes_nothing(shell: Shell, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [*ROWS, "{"])
    out = tmp_path / "snap"
    ran = shell("data", "import", file, "--out", out, "--on-bad-row", "stop", "--json")
    assert ran.code == 3 and f"{file}:21" in ran.json["error"]["where"]
    assert not out.exists()


def test_nothing_usable_is_exit_3_and_writes_nothing(shell: Shell, tmp_path: Path) -> None:
    for name, text in (("empty.jsonl", ""), ("bad.jsonl", "{\n{\n"), ("odd.jsonl", '{"a": 1}\n')):
        (tmp_path / name).write_text(text)
        assert shell("data", "import", tmp_path / name, "--out", tmp_path / "snap").code == 3, name
    assert not (tmp_path / "snap").exists()


@pytest.mark.parametrize("words", [("--kind", "demo"), ("--format", "alpacca"), ("--on-bad-row", "drop")])
def test_unknown_option_values_are_exit_2(shell: Shell, alpaca: Path, tmp_path: Path, words: tuple[str, str]) -> None:
    ran = shell("data", "import", alpaca, "--out", tmp_path / "snap", *words)
    assert ran.code == 2 and ran.err.count("\n") == 1 and not (tmp_path / "snap").exists()


def test_a_missing_file_is_exit_2(shell: Shell, tmp_path: Path) -> None:
    assert shell("data", "import", tmp_path / "no.jsonl", "--out", tmp_path / "snap").code == 2


def test_show(shell: Shell, alpaca: Path) -> None:
    ran = shell("data", "show", alpaca, "-n", "1")
    assert ran.code == 0 and "Name the number 0." in ran.out and "Name the number 1." not in ran.out
    body = shell("data", "show", alpaca, "--json").json
    assert body["records"] == 20 and body["kinds"] == {"demonstration": 20} and len(body["first"]) == 3


def test_show_every_kind(shell: Shell, tmp_path: Path) -> None:
    ranking = {
        "messages": [{"role": "user", "content": "Hi"}],
        "completions": [{"id": "a", "text": "Hello"}, {"id": "b", "text": "x" * 500}],
        "rankings": [{"labeler": "ann", "order": [["a"], ["b"]]}],
    }
    assert "ann        a > b" in shell("data", "show", jsonl(tmp_path / "r.jsonl", [ranking])).out
    pair = {"prompt": "Hi", "chosen": "Hello", "rejected": "No"}
    assert "rejected   No" in shell("data", "show", jsonl(tmp_path / "p.jsonl", [pair])).out
    (tmp_path / "d.txt").write_text("Some plain text.\n")
    assert "document   Some plain text." in shell("data", "show", tmp_path / "d.txt").out


def test_split_puts_every_record_in_one_part(shell: Shell, alpaca: Path, tmp_path: Path) -> None:
    out = tmp_path / "parts"
    ran = shell("data", "split", alpaca, "--out", out, "--part", "train=0.5", "--part", "test=0.5", "--json")
    assert ran.code == 0 and sum(ran.json["parts"].values()) == 20
    train, test = ({record_id(record) for record in load(out / part).records} for part in ("train", "test"))
    assert len(train | test) == 20 and not train & test


@pytest.mark.parametrize(
    "parts", [["train"], ["train=x"], ["train=0.5"], ["a=0.5", "a=0.5"], ["a b=1"], ["a=-1", "b=2"]]
)
def test_wrong_parts_are_exit_2(shell: Shell, alpaca: Path, tmp_path: Path, parts: list[str]) -> None:
    words = [word for part in parts for word in ("--part", part)]
    assert shell("data", "split", alpaca, "--out", tmp_path / "parts", *words).code == 2
    assert not (tmp_path / "parts").exists()


def test_export_and_back(shell: Shell, alpaca: Path, tmp_path: Path) -> None:
    out = tmp_path / "chat.jsonl"
    ran = shell("data", "export", alpaca, "--to", "alpaca", "--out", out)
    assert ran.code == 0, ran.err
    assert shell("data", "show", out, "--json").json["records"] == 20
    assert shell("data", "export", alpaca, "--to", "alpaca", "--out", out).code == 2
    assert shell("data", "export", alpaca, "--to", "alpacca", "--out", tmp_path / "x").code == 2


def test_split_with_wishes(shell: Shell, tmp_path: Path) -> None:
    rows = [
        {
            "kind": "prompt",
            "messages": [{"role": "user", "content": f"q{n}"}],
            "meta": {"task": f"t{n % 2}", "shop": n // 4},
        }
        for n in range(40)
    ]
    file = jsonl(tmp_path / "r.jsonl", rows)
    halves = ("--part", "train=0.5", "--part", "test=0.5", "--json")
    ran = shell("data", "split", file, "--out", tmp_path / "a", "--by", "shop", *halves)
    assert ran.json["groups"] == 10
    shops = [{r.meta["shop"] for r in load(tmp_path / "a" / part).records} for part in ("train", "test")]
    assert not shops[0] & shops[1]
    even = shell("data", "split", file, "--out", tmp_path / "b", "--stratify", "task", *halves).json
    assert even["parts"] == {"train": 20, "test": 20}
    tasks = [r.meta["task"] for r in load(tmp_path / "b" / "train").records]
    assert tasks.count("t0") == tasks.count("t1") == 10
    more = jsonl(
        tmp_path / "m.jsonl",
        [*rows, *({**row, "messages": [{"role": "user", "content": f"x{i}"}]} for i, row in enumerate(rows))],
    )
    grown = shell(
        "data", "split", more, "--out", tmp_path / "c", "--stratify", "task", "--after", tmp_path / "b", *halves
    )
    assert grown.json["parts"] == {"train": 40, "test": 40}
    before, after = ({record_id(r) for r in load(tmp_path / f / "train").records} for f in "bc")
    assert before <= after
    clusters = jsonl(tmp_path / "f.jsonl", [{"file": str(file), "line": n + 1, "cluster": "all"} for n in range(40)])
    one = shell("data", "split", file, "--out", tmp_path / "d", "--clusters", clusters, *halves).json
    assert one["groups"] == 1 and sorted(one["parts"].values()) == [0, 40]
    assert shell("data", "split", file, "--out", tmp_path / "e", "--by", "colour", *halves).code == 2


def test_show_with_the_mask(shell: Shell, alpaca: Path) -> None:
    ran = shell("data", "show", alpaca, "--mask", "-n", "1")
    assert ran.code == 0 and "<|user|>Name the number 0.<|end|><|assistant|>⟦0<|end|>⟧" in ran.out
    body = shell("data", "show", alpaca, "--mask", "--json").json
    assert len(body["rows"]) == 3 and body["rows"][0]["stretches"][1]["state"] == "learned"
