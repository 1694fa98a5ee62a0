from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.core.records import Ranking
from tunesmith.store import freeze, load

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


@pytest.fixture
def unlabeled(tmp_path: Path, three_answers: list[Ranking]) -> Path:
    freeze(three_answers, tmp_path / "answers")
    return tmp_path / "answers"


def test_simulated_labelers_rank_every_completion(shell: Shell, unlabeled: Path, tmp_path: Path) -> None:
    out = tmp_path / "labeled"
    ran = shell("label", "simulate", unlabeled, "--out", out, "--labelers", "2", "--seed", "1", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["records"], ran.json["labels"]) == (6, 12)
    snapshot = load(out)
    assert snapshot.manifest.parents == (load(unlabeled).sha256,)
    for ranking_ in snapshot.records:
        assert isinstance(ranking_, Ranking) and len({label.labeler for label in ranking_.rankings}) == 2
        for label in ranking_.rankings:
            assert {one for group in label.order for one in group} == {"right", "curt", "rude"}


def test_the_same_seed_gives_the_same_labels_and_heldout_ones_are_others(
    shell: Shell, unlabeled: Path, tmp_path: Path
) -> None:
    for name, words in (("a", ()), ("b", ()), ("c", ("--heldout",))):
        assert shell("label", "simulate", unlabeled, "--out", tmp_path / name, *words).code == 0
    assert load(tmp_path / "a").sha256 == load(tmp_path / "b").sha256
    names = [
        {label.labeler for one in load(tmp_path / name).records if isinstance(one, Ranking) for label in one.rankings}
        for name in "ac"
    ]
    assert not names[0] & names[1]


def test_more_labelers_than_there_are_is_exit_2(shell: Shell, unlabeled: Path, tmp_path: Path) -> None:
    ran = shell("label", "simulate", unlabeled, "--out", tmp_path / "x", "--labelers", "99")
    assert ran.code == 2 and not (tmp_path / "x").exists()
