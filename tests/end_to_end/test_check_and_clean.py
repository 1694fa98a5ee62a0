"""What `data check` finds, `data clean` removes, and `data split` keeps together."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from tunesmith.checks.advice import DROPPED, FIXED_BY, WORDS, _command
from tunesmith.core.run_context import RunContext
from tunesmith.make.clean.fixes import NAMES
from tunesmith.make.rows import read_rows
from tunesmith.make.split import keys_of, read_clusters
from tunesmith.recipes import check_data, clean
from tunesmith.store import load

from ..house.command_line import check_command

QUESTION = "Describe how the keeper of the old lighthouse at point {} spent the long winter nights alone."
ANSWER = "He read letters from his sister by the stove and wrote long answers that nobody ever sent."
NAMES_OF_POINTS = ("Ada", "Bern", "Cold", "Dune", "Elk", "Fog")


def rows(path: Path) -> Path:
    made = [{"instruction": f"Add {n} and {n * 7}.", "input": "", "output": str(8 * n)} for n in range(30)]
    made += [{"instruction": QUESTION.format(p), "input": "", "output": ANSWER} for p in NAMES_OF_POINTS]
    made += [made[3], made[4]]
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    return path


def kinds(data: Path, out: Path) -> dict[str, int]:
    config = check_data.Config.model_validate({"data": (str(data),), "out": str(out), "workers": 1})
    summary = check_data.run(config, RunContext()).summary
    return {kind: counts["rows"] for kind, counts in summary["by_kind"].items() if kind.startswith("duplicates.")}


def test_what_is_dropped_is_not_found_again(tmp_path: Path) -> None:
    data = rows(tmp_path / "a.jsonl")
    assert kinds(data, tmp_path / "found") == {"duplicates.exact": 2, "duplicates.near": 5}
    config = clean.Config.model_validate(
        {
            "data": (str(data),),
            "out": str(tmp_path / "clean"),
            "findings": str(tmp_path / "found" / "findings.jsonl"),
            "drop": ("duplicates.exact", "duplicates.near"),
        }
    )
    clean.run(config, RunContext())
    assert len(load(tmp_path / "clean").records) == 31
    assert kinds(tmp_path / "clean", tmp_path / "again") == {}
    assert read_clusters(tmp_path / "again" / "clusters.jsonl") == {}


def test_a_cluster_shares_a_key_of_the_split(tmp_path: Path) -> None:
    data = rows(tmp_path / "a.jsonl")
    kinds(data, tmp_path / "found")
    clusters = read_clusters(tmp_path / "found" / "clusters.jsonl")
    keys = keys_of(read_rows([str(data)]).rows, by=(), clusters=clusters)
    shared = f"cluster:{data}:31"
    assert [shared in own for own in keys] == [30 <= n < 36 for n in range(38)]


def test_personal_data_is_masked_and_not_found_again(tmp_path: Path) -> None:
    data = tmp_path / "a.jsonl"
    data.write_text(json.dumps({"instruction": "Whom do I ask?", "input": "", "output": "Ask anna@shop.org."}) + "\n")
    config = clean.Config.model_validate({"data": (str(data),), "out": str(tmp_path / "clean"), "fix": ("pii",)})
    clean.run(config, RunContext())
    (record,) = load(tmp_path / "clean").records
    assert record.messages[-1].content == "Ask [EMAIL_1]."  # type: ignore[union-attr]


def test_every_named_command_exists() -> None:
    for kind in {*WORDS, *FIXED_BY, *DROPPED, "pii.email", "outliers.rarity"}:
        command = _command(kind, "warning", ["a b.jsonl"], "out")
        if command.startswith("tunesmith "):
            assert check_command(shlex.split(command)[1:]) == "", kind
    assert {fix.split()[0] for fix in FIXED_BY.values()} <= set(NAMES)
