from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.recipes import check_data

from .shell import Shell
from .test_data import jsonl

ROWS = [{"instruction": f"Name the number {n}.", "input": "", "output": str(n)} for n in range(20)]


@pytest.fixture
def checking(shell: Shell) -> Shell:
    shell.recipes["check_data"] = check_data
    return shell


def test_clean_data_is_exit_0(checking: Shell, tmp_path: Path) -> None:
    ran = checking("data", "check", jsonl(tmp_path / "a.jsonl", ROWS), "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("20 rows in ") and f"report: {tmp_path / 'out' / 'report.html'}" in ran.out


def test_findings_are_exit_3_and_one_object(checking: Shell, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", [*ROWS, '{"instruction": "x'])
    ran = checking("data", "check", file, "--out", tmp_path / "out", "--json")
    assert ran.code == 3 and ran.json["verb"] == "data check"
    assert ran.json["fix_first"][0]["kind"] == "broken.json"
    assert ran.json["artefacts"]["findings"] == str(tmp_path / "out" / "findings.jsonl")
    assert checking("data", "check", file, "--out", tmp_path / "out", "--fail-on", "never").code == 0


def test_options_reach_the_checks(checking: Shell, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", ROWS)
    settings = tmp_path / "c.yaml"
    settings.write_text("noise:\n  glossary: {figure: [number]}\n")
    out = tmp_path / "out"
    ran = checking(
        "data", "check", file, "--out", out, "--config", settings, "--checks", "noise, tokens", "--max-length", "3"
    )
    assert ran.code == 3
    body = json.loads((out / "summary.json").read_text())
    assert set(body["checks"]) == {"noise", "tokens"}
    assert body["by_kind"]["noise.terms"]["rows"] == 20 and body["by_kind"]["tokens.nothing_to_learn"]["rows"] == 20
    shown = checking(
        "data", "check", file, "--out", out, "--set", "noise.spelling.max_share=0.5", "--print-config", "--json"
    )
    assert shown.json["config"]["noise"]["spelling"]["max_share"] == 0.5


def test_mistakes_are_exit_2_and_write_nothing(checking: Shell, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "a.jsonl", ROWS)
    for words in (("--checks", "noize"), ("--set", "noise.x=1"), ("--fail-on", "often"), ("--engine", "cloud")):
        ran = checking("data", "check", file, "--out", tmp_path / "out", *words)
        assert ran.code == 2, (words, ran.err)
    assert checking("data", "check", tmp_path / "b.jsonl", "--out", tmp_path / "out").code == 2
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []
