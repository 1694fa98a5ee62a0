from __future__ import annotations

import json
from pathlib import Path

import pytest

from .shell import Shell


def ranking(n: int, orders: dict[str, list[list[str]]]) -> dict[str, object]:
    return {
        "messages": [{"role": "user", "content": f"Question {n}?"}],
        "completions": [{"id": name, "text": f"{name} {n}"} for name in "abc"],
        "rankings": [{"labeler": labeler, "order": order} for labeler, order in orders.items()],
    }


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    same, other = [["a"], ["b"], ["c"]], [["b"], ["a"], ["c"]]
    rows = [ranking(0, {"ann": same, "bob": same, "cy": other}), ranking(1, {"ann": same, "bob": other})]
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_agreement_has_interval_and_n(shell: Shell, labeled: Path) -> None:
    """By hand: prompt 0 gives 3 + 2 + 2 of 9 equal judgements, prompt 1 gives 2 of 3."""
    body = shell("label", "agreement", labeled, "--json").json
    assert body["judgements"] == 12
    rate = body["agreement"]
    assert rate["low"] <= rate["value"] <= rate["high"] and rate["n"] == 2
    assert "n=2" in shell("label", "agreement", labeled).out


def test_agreement_of_chosen_labelers(shell: Shell, labeled: Path) -> None:
    body = shell("label", "agreement", labeled, "--labeler", "ann", "--labeler", "cy", "--json").json
    assert body["judgements"] == 3 and body["agreement"]["value"] == pytest.approx(2 / 3)


def test_other_records_are_exit_3(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"prompt": "Hi", "chosen": "Hello", "rejected": "No"}\n')
    ran = shell("label", "agreement", tmp_path / "p.jsonl")
    assert ran.code == 3 and "needs ranking records, but there is a comparison record" in ran.err
