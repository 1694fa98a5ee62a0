from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.cli.surroundings import load_recipe
from tunesmith.desk.weights import shipped_base
from tunesmith.model.adapt import make_chat_model
from tunesmith.model.load import load_model, save_model
from tunesmith.store import load

from .shell import Shell
from .stored_chats import chatted


@pytest.fixture
def shell() -> Shell:
    """The command line with the real stages."""
    return Shell(recipes={stage: load_recipe(stage) for stage in ("reward", "sft")})


@pytest.fixture
def chat_model(tmp_path: Path) -> Path:
    """The shipped base with a chat template: a reward model begins from a model that can hold a chat."""
    save_model(make_chat_model(load_model(shipped_base())), tmp_path / "chat_model")
    return tmp_path / "chat_model"


def test_votes_become_training_data_of_a_reward_run(shell: Shell, tmp_path: Path, chat_model: Path) -> None:
    """The real command up to the first step: everything is read and rendered, nothing is written but the snapshot."""
    db, out = tmp_path / "x.db", tmp_path / "runs" / "reward"
    replies = chatted(db, talks=3)
    chatted(db, talks=2, consent=False, first=10)
    words = ("train", "reward", "--from-store", db, "--out", out, "--set", "validation_fraction=0")
    words = (*words, "--model", chat_model)
    dry = shell(*words, "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert dry.json["rankings"] == 3 and "2 conversations with feedback whose owner did not consent" in dry.err
    assert not (tmp_path / "runs").exists()
    ran = shell(*words, "--set", "max_steps=1", "--set", "micro_batch_tokens=64", "--json")
    assert ran.code == 0, ran.err
    origin = json.loads((out / "provenance.json").read_text())
    assert origin["labels"]["data"] == {"labelers": {"chat:local": 6}, "replies": sorted(replies)}
    [folder] = (tmp_path / "runs" / "from_store").iterdir()
    assert folder.name == origin["snapshots"]["data"][:16] and len(load(folder).records) == 3
    # More is said while the run is interrupted: it goes on with what it began with.
    chatted(db, talks=2, first=20)
    again = shell(*words, "--set", "max_steps=1", "--set", "micro_batch_tokens=64", "--resume", "--json")
    assert again.code == 0, again.err
    assert len(list((tmp_path / "runs" / "from_store").iterdir())) == 1


def test_edits_become_demonstrations(shell: Shell, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    chatted(db, talks=2)
    words = ("train", "sft", "--from-store", db, "--out", tmp_path / "sft", "--set", "validation_fraction=0")
    dry = shell(*words, "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert dry.json["rows"] == 2


def test_what_is_missing_is_named(shell: Shell, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    assert "no such database" in shell("train", "reward", "--from-store", db, "--out", tmp_path / "r").err
    chatted(db, consent=False)
    nothing = shell("train", "reward", "--from-store", db, "--out", tmp_path / "r")
    assert nothing.code == 3 and "no rankings yet" in nothing.err
    assert "--out" in shell("train", "reward", "--from-store", db).err


def test_export_of_chats(shell: Shell, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    chatted(db, talks=2)
    for product, n in [("rankings", 2), ("demonstrations", 2), ("verdicts", 2)]:
        out = tmp_path / f"{product}.jsonl"
        ran = shell("label", "export", "--from-chat", "--to", product, "--out", out, "--db", db, "--json")
        assert ran.code == 0 and ran.json["records"] == n, ran.err
        shown = shell("data", "show", out, "--json")
        assert shown.code == 0, shown.err
    [row, _] = [json.loads(line) for line in (tmp_path / "rankings.jsonl").read_text().splitlines()]
    assert row["rankings"][0]["order"] == [["chatcmpl-0a"], ["chatcmpl-0b"]]
    assert row["meta"]["replies"] == ["chatcmpl-0a", "chatcmpl-0b"]
    wrong = shell("label", "export", "--from-chat", "--to", "comparisons", "--out", tmp_path / "c", "--db", db)
    assert wrong.code == 2 and "verdicts" in wrong.err
