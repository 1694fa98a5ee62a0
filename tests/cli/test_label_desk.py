from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.core.records import Ranking, to_json
from tunesmith.store import load

from .shell import Shell


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def answers(tmp_path: Path, three_answers: list[Ranking]) -> Path:
    """Desk prompts with three answers each, as quickstart leaves them."""
    rows = three_answers[:5]
    return write(tmp_path / "answers.jsonl", [to_json(row) for row in rows])


def test_from_answers_to_rankings_and_comparisons(shell: Shell, answers: Path, tmp_path: Path) -> None:
    """The whole round with simulated people: add, rehearse, export, and the records are what training reads."""
    db = tmp_path / "x.db"
    added = shell("label", "add", answers, "--task", "helpfulness", "--overlap", "2", "--db", db, "--json")
    assert added.code == 0, added.err
    assert (added.json["new"], added.json["known"], added.json["kind"]) == (5, 0, "rank")
    assert (
        shell("label", "add", answers, "--task", "helpfulness", "--overlap", "2", "--db", db, "--json").json["known"]
        == 5
    )
    made = shell("label", "simulate", "--task", "helpfulness", "--labelers", "3", "--db", db, "--json")
    assert made.code == 0, made.err
    assert sum(made.json["labels"].values()) == 10 and len(made.json["labels"]) == 3
    out = tmp_path / "rankings.jsonl"
    exported = shell("label", "export", "--to", "rankings", "--out", out, "--db", db, "--json")
    assert exported.json["records"] == 5 and "train reward" in exported.json["next"]
    agreement = shell("label", "agreement", out, "--json")
    assert agreement.code == 0 and agreement.json["agreement"]["n"] > 0
    pairs = shell(
        "label", "export", "--to", "comparisons", "--out", tmp_path / "pairs.jsonl", "--db", db, "--json"
    ).json
    assert pairs["records"] + pairs["ties"] == 5 * 2 * 3
    assert (pairs["ties"] > 0) == (tmp_path / "pairs.ties.jsonl").exists()
    again = shell("label", "export", "--to", "rankings", "--out", out, "--db", db)
    assert again.code == 2 and "exists already" in again.err


def test_labels_from_elsewhere_come_out_again(shell: Shell, tmp_path: Path) -> None:
    row = {
        "messages": [{"role": "user", "content": "Hi"}],
        "completions": [{"id": name, "text": name} for name in "ab"],
        "rankings": [{"labeler": "ann", "order": [["b"], ["a"]]}],
    }
    path, db, out = write(tmp_path / "r.jsonl", [row]), tmp_path / "x.db", tmp_path / "out.jsonl"
    for new in (1, 0):
        assert shell("label", "import", path, "--task", "t", "--db", db, "--json").json["new"] == new
    assert shell("label", "export", "--to", "rankings", "--out", out, "--db", db).code == 0
    [back] = [json.loads(line) for line in out.read_text().splitlines()]
    assert back["rankings"][0]["order"] == [["b"], ["a"]] and back["rankings"][0]["labeler"] == "ann"


def test_demonstrations(shell: Shell, tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    path, db, out = write(tmp_path / "d.jsonl", [row]), tmp_path / "x.db", tmp_path / "out.jsonl"
    assert shell("label", "import", path, "--work", "write", "--db", db).code == 0
    assert shell("label", "export", "--to", "demonstrations", "--out", out, "--db", db, "--json").json["records"] == 1


def test_the_answers_of_a_run(shell: Shell, answers: Path, tmp_path: Path) -> None:
    assert shell("data", "import", answers, "--out", tmp_path / "run" / "data" / "rankings").code == 0
    added = shell("label", "add", "--from-run", tmp_path / "run", "--db", tmp_path / "x.db", "--json")
    assert added.code == 0 and added.json["new"] == 5
    assert shell("label", "add", "--from-run", tmp_path, "--db", tmp_path / "x.db").code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "--db", "DB"), 2, "name a file"),
        (("add", "ANSWERS", "--work", "sing", "--db", "DB"), 2, "unknown work 'sing'"),
        (("add", "ANSWERS", "--work", "edit", "--db", "DB"), 3, "editing needs demonstrations"),
        (("add", "ANSWERS", "--db", "mysql://u@h/n"), 2, "PostgreSQL"),
        (("export", "--to", "rankings", "--out", "OUT", "--db", "DB"), 2, "no such database"),
        (("export", "--to", "poems", "--out", "OUT", "--db", "DB"), 2, "unknown product"),
        (("import", "ANSWERS", "--db", "DB"), 3, "has no rankings"),
        (("simulate", "--labelers", "1"), 2, "name files to rank"),
        (("simulate", "ANSWERS"), 2, "--out"),
        (("simulate", "--task", "t", "--db", "DB"), 2, "no such database"),
    ],
)
def test_mistakes_are_named(
    shell: Shell, answers: Path, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    places = {"DB": tmp_path / "x.db", "ANSWERS": answers, "OUT": tmp_path / "out.jsonl"}
    ran = shell("label", *(places.get(word, word) for word in words))
    assert ran.code == code and said in ran.err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_task_keeps_its_kind_and_its_overlap(shell: Shell, answers: Path, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    assert shell("label", "add", answers, "--task", "t", "--overlap", "2", "--db", db).code == 0
    assert "is a rank task" in shell("label", "add", answers, "--task", "t", "--work", "pair", "--db", db).err
    assert "asks 2 labelers" in shell("label", "add", answers, "--task", "t", "--overlap", "3", "--db", db).err
    empty = shell("label", "export", "--to", "rankings", "--out", tmp_path / "o.jsonl", "--db", db)
    assert empty.code == 3 and "no labels yet" in empty.err and not (tmp_path / "o.jsonl").exists()


def test_serving_others_without_users_is_refused(shell: Shell, tmp_path: Path) -> None:
    ran = shell("label", "serve", "--host", "0.0.0.0", "--db", tmp_path / "x.db")
    assert ran.code == 2 and "nobody can log in" in ran.err


def test_simulating_files_still_makes_a_snapshot(shell: Shell, answers: Path, tmp_path: Path) -> None:
    assert shell("label", "simulate", answers, "--out", tmp_path / "s", "--labelers", "2").code == 0
    assert len(load(tmp_path / "s").records) == 5


def test_a_calibration_round(shell: Shell, answers: Path, tmp_path: Path, three_answers: list[Ranking]) -> None:
    """Simulated labelers answer the round first; its labels are told of, and not exported."""
    db, labeled = tmp_path / "x.db", tmp_path / "labeled.jsonl"
    assert shell("label", "add", answers, "--task", "t", "--overlap", "2", "--db", db).code == 0
    assert "no round was opened" in shell("label", "calibration", "--db", db).err
    rows = [to_json(row) for row in three_answers[5:]]
    for row in rows:
        row["rankings"] = [{"labeler": "lea", "order": [[one["id"]] for one in row["completions"]]}]
    write(labeled, rows)
    made = shell("label", "add", labeled, "--task", "t", "--calibration", "--db", db, "--json")
    assert made.code == 0, made.err
    assert (made.json["round"], made.json["items"], made.json["refused"]) == (1, 1, {})
    again = shell("label", "add", labeled, "--task", "t", "--calibration", "--db", db)
    assert again.code != 0 and "in the annotation task already" in again.err
    mixed = shell("label", "add", labeled, "--task", "t", "--calibration", "--gold", "--db", db)
    assert mixed.code == 2 and "--calibration" in mixed.err
    labels = shell("label", "simulate", "--task", "t", "--labelers", "2", "--db", db, "--json").json["labels"]
    assert sorted(labels.values()) == [6, 6]
    report = shell("label", "calibration", "--task", "t", "--db", db, "--json").json
    assert (report["round"], report["items"], report["finished"]) == (1, 1, 2)
    assert report["with_gold"]["n"] == 1 and report["pairwise"]["low"] <= report["pairwise"]["value"]
    assert all(one["finished"] and one["with_gold"] for one in report["labelers"].values())
    assert "there is no such round" in shell("label", "calibration", "--round", "2", "--db", db).err
    out = tmp_path / "out.jsonl"
    assert shell("label", "export", "--to", "rankings", "--out", out, "--db", db, "--json").json["records"] == 5


def test_a_screening(shell: Shell, tmp_path: Path) -> None:
    db, path = tmp_path / "x.db", tmp_path / "tests.jsonl"
    asked = {"role": "user", "content": "Hi"}
    rows: list[dict[str, object]] = [
        {"kind": "prompt", "messages": [asked]},
        {
            "kind": "demonstration",
            "messages": [asked, {"role": "assistant", "content": "Go away."}],
            "meta": {"sensitive": True},
        },
        {"kind": "demonstration", "messages": [asked, {"role": "assistant", "content": "Hello."}]},
    ]
    write(path, rows)
    missing = shell("label", "add", path, "--screening", "--task", "clerks", "--db", db)
    assert missing.code == 3 and "a screening needs items for ranking" in missing.err
    completions = [{"id": name, "text": name} for name in "ab"]
    labels = [{"labeler": "lea", "order": [["b"], ["a"]]}]
    write(path, [*rows, {"kind": "ranking", "messages": [asked], "completions": completions, "rankings": labels}])
    made = shell("label", "add", path, "--screening", "--task", "clerks", "--db", db, "--json")
    assert made.code == 0, made.err
    assert made.json["items"] == 4 and sum(made.json["refused"].values()) == 1
    shown = shell("label", "screening", "--db", db, "--json").json
    assert shown["candidates"] == {} and shown["cutoffs"] == {"flagging": 0.75, "ranking": 0.75, "writing": 6.0}
    both = shell("label", "add", path, "--screening", "--gold", "--db", db)
    assert both.code == 2 and "Give --screening alone" in both.err
    out = tmp_path / "out.jsonl"
    exported = shell("label", "export", "--to", "rankings", "--out", out, "--db", db)
    assert exported.code == 2 and "there are: none" in exported.err, "a screening is no data"
