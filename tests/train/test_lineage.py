from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tunesmith.core.records import Completion, Message, Ranking, RankingLabel
from tunesmith.store.snapshots import RECORDS, freeze
from tunesmith.train.lineage import Ancestor, model_ancestry
from tunesmith.train.run_directory import RunDirectory, provenance


def make_run(folder: Path, *, parents: dict[str, str], config: dict[str, Any], **more: Any) -> Path:
    run = RunDirectory(folder)
    made = provenance(parents=parents, command=["tunesmith", "train"], **{"snapshots": {}, **more})
    run.prepare(config, made, resume=False)
    run.model.mkdir()
    (run.model / "tunesmith.json").write_text(json.dumps({"stage": folder.name, "parents": parents}))
    return run.model


def snapshot(folder: Path) -> str:
    two = (Completion(id="a", text="x"), Completion(id="b", text="y"))
    label = RankingLabel(labeler="chat:local", order=(("a",), ("b",)))
    record = Ranking(messages=(Message("user", "Hi?"),), completions=two, rankings=(label,), meta={"replies": ["r1"]})
    return str(freeze([record], folder).directory)


def kinds(chain: Ancestor) -> list[tuple[int, str, str]]:
    return [(depth, one.role, one.kind) for depth, one in chain.walk()]


def whole_loop(folder: Path) -> Path:
    """Make desk -> sft -> reward (on votes) -> ppo."""
    sft = make_run(
        folder / "sft", parents={"model": "desk (abc)"}, config={"data": ["desk"]}, snapshots={"data": "1" * 64}
    )
    votes = snapshot(folder / "from_store" / "v")
    labels = {"data": {"labelers": {"chat:local": 1}, "replies": ["r1"]}}
    reward = make_run(
        folder / "reward",
        parents={"model": str(sft)},
        config={"data": [votes]},
        snapshots={"data": "2" * 64},
        labels=labels,
    )
    return make_run(
        folder / "ppo", parents={"model": str(sft), "reward_model": str(reward)}, config={"data": ["desk"]},
        snapshots={"data": "3" * 64},
    )  # fmt: skip


def test_from_a_policy_to_the_votes(tmp_path: Path) -> None:
    chain = model_ancestry(str(whole_loop(tmp_path)))
    assert kinds(chain) == [
        (0, "model", "model"), (1, "made by", "run"), (2, "data", "data"),
        (2, "model", "model"), (3, "made by", "run"), (4, "data", "data"), (4, "model", "model"),
        (2, "reward_model", "model"), (3, "made by", "run"), (4, "data", "data"),
        (4, "model", "model"), (5, "made by", "run"), (6, "data", "data"), (6, "model", "model"),
    ]  # fmt: skip
    assert [one.gap for _, one in chain.walk() if one.gap] == []
    votes = next(one for _, one in chain.walk() if "from_store" in one.name)
    assert votes.facts["labelers"] == {"chat:local": 1} and votes.facts["replies"] == ["r1"]
    assert votes.facts["ranking"] == 1
    run = chain.parents[0]
    assert run.facts["stage"] == "ppo" and run.facts["command"] == "tunesmith train"
    assert chain.to_json()["parents"][0]["stage"] == "ppo"


def test_where_the_chain_breaks(tmp_path: Path) -> None:
    model = whole_loop(tmp_path)
    records = tmp_path / "from_store" / "v" / RECORDS
    records.write_text(records.read_text().replace("Hi?", "Ho?"))
    (tmp_path / "sft").rename(tmp_path / "gone")
    gaps = [(one.role, one.gap) for _, one in model_ancestry(str(model)).walk() if one.gap]
    assert [role for role, _ in gaps] == ["model", "data", "model"]
    assert "changed after it was frozen" in gaps[1][1] and gaps[0][1] == "there is no such folder on this machine"
    (tmp_path / "from_store").rename(tmp_path / "moved")
    assert any("not on this machine" in one.gap for _, one in model_ancestry(str(model)).walk())


def test_a_folder_out_of_its_run_and_a_stranger(tmp_path: Path) -> None:
    copied, stranger = tmp_path / "copied", tmp_path / "stranger"
    (whole_loop(tmp_path)).rename(copied)
    stranger.mkdir()
    chain = model_ancestry(str(copied))
    assert "taken out of its run" in chain.gap and [one.role for one in chain.parents] == ["model", "reward_model"]
    assert "no run of tunesmith" in model_ancestry(str(stranger)).gap
    assert model_ancestry("desk (abc)").gap == ""


def test_papers_that_lie_do_not_go_in_circles(tmp_path: Path) -> None:
    model = make_run(tmp_path / "a", parents={"model": str(tmp_path / "a" / "model")}, config={})
    assert [one.gap for _, one in model_ancestry(str(model)).walk() if one.gap] == ["names itself as its own ancestor"]
    (tmp_path / "a" / "provenance.json").write_text("{")
    assert "cannot be read" in model_ancestry(str(model)).parents[0].gap


def test_pretraining_text_is_found_under_its_key_and_not_under_its_settings(tmp_path: Path) -> None:
    """PPO has settings called `ptx`, and its documents under `ptx_data`."""
    made = make_run(
        tmp_path / "ppo", parents={"model": "desk (abc)"}, snapshots={"data": "1" * 64, "ptx": "2" * 64},
        config={"data": ["desk"], "ptx": {"ptx_coef": 0.1}, "ptx_data": ["desk"]},
    )  # fmt: skip
    data = [(one.role, one.name) for _, one in model_ancestry(str(made)).walk() if one.kind == "data"]
    assert data == [("data", "desk"), ("ptx", "desk")]
