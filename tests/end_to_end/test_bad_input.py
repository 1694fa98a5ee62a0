"""Bad input gets a named error with its place and a remedy, the right exit code, and nothing half-written."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from tests.small_runs import Workshop, rankings, write
from tunesmith.core.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    EnvironmentProblem,
    NumericalError,
    TunesmithError,
)
from tunesmith.core.records import RankingLabel
from tunesmith.core.run_context import RunContext
from tunesmith.train import checkpoint

_numbers = itertools.count()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("bad"))


def refused(
    workshop: Workshop, stage: str, kind: type[TunesmithError], text: str, *, code: int, **more: Any
) -> TunesmithError:
    """Run a stage that must fail before it has written a model, or anything at all."""
    name = f"refused-{next(_numbers)}"
    out = workshop.folder / name
    with pytest.raises(kind, match=text) as caught:
        workshop.run(stage, name, **more)
    assert caught.value.exit_code == code
    assert caught.value.where or caught.value.why, "it must say where, or why"
    assert not out.exists(), sorted(out.rglob("*"))
    return caught.value


@pytest.mark.parametrize("stage", ["pretrain", "sft", "reward", "dpo", "ppo", "grpo", "distill"])
def test_a_missing_data_file(stage: str, workshop: Workshop) -> None:
    missing = str(workshop.folder / "nowhere.jsonl")
    error = refused(workshop, stage, ConfigError, r"nowhere\.jsonl", code=2, data=(missing,))
    assert "nowhere.jsonl" in str(error)


@pytest.mark.parametrize("stage", ["sft", "dpo", "ppo"])
def test_a_missing_model(stage: str, workshop: Workshop) -> None:
    refused(workshop, stage, ConfigError, "no model folder", code=2, model=str(workshop.folder / "nowhere"))


@pytest.mark.parametrize("stage", ["pretrain", "sft", "reward", "dpo", "ppo", "grpo", "distill"])
@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_data_file(stage: str, content: bytes, workshop: Workshop) -> None:
    empty = workshop.folder / "empty.jsonl"
    empty.write_bytes(content)
    refused(workshop, stage, DataError, r"empty|no record", code=3, data=(str(empty),))


@pytest.mark.parametrize(("stage", "kind"), [("sft", "prompts"), ("reward", "documents"), ("dpo", "prompts")])
def test_data_of_another_kind_says_what_was_found(stage: str, kind: str, workshop: Workshop) -> None:
    refused(
        workshop, stage, DataError, rf"found \d+ {kind}|holds \d+ {kind[:-1]}", code=3, data=(getattr(workshop, kind),)
    )


def test_a_file_in_an_unknown_format(workshop: Workshop) -> None:
    path = workshop.folder / "strange.jsonl"
    path.write_text('{"weather": "mild", "wind": 3}\n' * 4)
    refused(workshop, "sft", DataError, "strange|format", code=3, data=(str(path),))


def test_labels_that_are_all_masked(workshop: Workshop) -> None:
    """Nothing fits into max_length, cut or dropped."""
    for overlong in ("drop", "truncate"):
        refused(workshop, "sft", DataError, "no usable demonstrations", code=3, max_length=4, overlong=overlong)


def test_a_row_that_is_too_long_can_stop_the_run(workshop: Workshop) -> None:
    refused(workshop, "sft", DataError, "longer than max_length 20", code=3, max_length=20, overlong="stop")


def test_prompts_that_leave_no_room_for_an_answer(workshop: Workshop) -> None:
    for stage in ("ppo", "grpo", "distill"):
        refused(workshop, stage, DataError, "no usable prompts", code=3, max_length=12)


def test_rankings_of_one_completion(workshop: Workshop) -> None:
    """K = 1 has nothing to compare: the rows are set aside, and without others the stage refuses."""
    rows = [
        replace(r, completions=r.completions[:1], rankings=(RankingLabel(labeler="a", order=(("0",),)),))
        for r in rankings(4)
    ]
    data = write(workshop.folder / "single.jsonl", rows)
    for stage in ("reward", "dpo"):
        refused(workshop, stage, DataError, "completions holds one completion|none of its 4 rows", code=3, data=(data,))


def test_rankings_that_are_all_ties(workshop: Workshop) -> None:
    tie = RankingLabel(labeler="a", order=(("0", "1", "2"),))
    data = write(workshop.folder / "tied.jsonl", [replace(r, rankings=(tie,)) for r in rankings(4)])
    refused(workshop, "reward", DataError, "no ranking prefers anything", code=3, data=(data,))
    refused(workshop, "dpo", DataError, "no usable comparisons", code=3, data=(data,))


def test_some_tied_rankings_are_counted_and_the_rest_is_learned(workshop: Workshop) -> None:
    tie = RankingLabel(labeler="a", order=(("0", "1", "2"),))
    rows = [replace(r, rankings=(tie,)) if i < 3 else r for i, r in enumerate(rankings(8))]
    data = write(workshop.folder / "some-tied.jsonl", rows)
    lines: list[str] = []
    result = workshop.run(
        "reward", "some-tied", data=(data,), max_steps=1, context=RunContext(command="test", log=lines.append)
    )
    assert result.summary["all_tied"] == 3
    assert any(line.startswith("3 rankings are all ties") for line in lines)


def broken(workshop: Workshop, name: str, change: Callable[[Path], None]) -> str:
    """Return a copy of the base folder with something wrong in it."""
    folder = workshop.folder / name
    folder.mkdir()
    for path in Path(workshop.base).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    change(folder)
    return str(folder)


def test_weights_that_are_not_finite(workshop: Workshop) -> None:
    def spoil(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        weights["model.norm.weight"][0] = torch.nan
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    refused(workshop, "sft", NumericalError, r"model\.norm\.weight", code=1, model=broken(workshop, "nan", spoil))


def test_a_tokenizer_of_another_model(workshop: Workshop) -> None:
    def spoil(folder: Path) -> None:
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        first = 1 + max(t["id"] for t in tokenizer["added_tokens"] if "id" in t)
        first = max(first, 1 + max(tokenizer["model"]["vocab"].values()))
        same = {"special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}
        tokenizer["added_tokens"] += [{"id": first + i, "content": f"<|{i}|>", **same} for i in range(3)]
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))

    refused(workshop, "sft", ConfigError, "the tokenizer has", code=2, model=broken(workshop, "vocabulary", spoil))


def test_pickled_weights_and_code_of_the_models_own(workshop: Workshop) -> None:
    def pickled(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04N.")

    def coded(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModelForCausalLM": "x.Y"}}))

    refused(workshop, "sft", ConfigError, "no safetensors weights", code=2, model=broken(workshop, "pickled", pickled))
    refused(workshop, "sft", ConfigError, "code of its own", code=2, model=broken(workshop, "coded", coded))


def test_a_template_that_is_not_the_one_of_the_training(workshop: Workshop) -> None:
    folder = workshop.folder / "other-template"
    folder.mkdir()
    for path in Path(workshop.chat_model()).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|end|>", "<|end|>\n"))
    for stage in ("dpo", "grpo", "ppo", "distill"):
        refused(workshop, stage, ConfigError, "not the one this model was trained with", code=2, model=str(folder))


def test_a_base_model_where_a_chat_model_is_needed(workshop: Workshop) -> None:
    for stage in ("reward", "dpo", "ppo", "grpo", "distill"):
        more = {"reward_model": workshop.reward_model()} if stage == "ppo" else {}
        refused(workshop, stage, ConfigError, "no chat template|pad token", code=2, model=workshop.base, **more)


def test_a_policy_in_the_place_of_the_reward_model_and_none_at_all(workshop: Workshop) -> None:
    refused(workshop, "ppo", ConfigError, r"the weights lack score\.weight", code=2, reward_model=workshop.chat_model())
    refused(workshop, "ppo", ConfigError, "no reward model", code=2, reward_model="")


def test_grpo_without_or_with_two_ways_to_score_or_an_unknown_one(workshop: Workshop) -> None:
    both = {"reward_model": workshop.reward_model(), "scorers": ("brevity",)}
    refused(workshop, "grpo", ConfigError, "either a reward model or scorers", code=2, **both)
    refused(workshop, "grpo", ConfigError, "either a reward model or scorers", code=2, scorers=())
    error = refused(workshop, "grpo", ConfigError, "unknown scorer 'brevty'", code=2, scorers=("brevty",))
    assert "brevity" in error.remedy


def test_an_unknown_configuration_key(workshop: Workshop) -> None:
    with pytest.raises(ValidationError, match="learning_rat"):
        workshop.run("sft", "refused", engine={"learning_rat": 1})
    assert not (workshop.folder / "refused").exists()


def test_no_folder_for_the_run(workshop: Workshop) -> None:
    for stage in ("pretrain", "sft", "reward", "dpo", "ppo", "grpo", "distill"):
        with pytest.raises(ConfigError, match="no folder for the run"):
            workshop.run(stage, "refused", out="")


def test_a_folder_that_holds_something_else_is_left_alone(workshop: Workshop) -> None:
    folder = workshop.folder / "mine"
    folder.mkdir()
    (folder / "diary.txt").write_text("do not touch")
    with pytest.raises(ConfigError, match="is not empty and holds no run"):
        workshop.run("sft", "mine")
    assert [p.name for p in folder.iterdir()] == ["diary.txt"]


def test_a_folder_with_a_run_of_another_configuration(workshop: Workshop) -> None:
    workshop.run("sft", "first", max_steps=2)
    before = {p: p.read_bytes() for p in (workshop.folder / "first").rglob("*") if p.is_file()}
    with pytest.raises(ConfigError, match=r"max_steps: 2 there, 4 here"):
        workshop.run("sft", "first", max_steps=4)
    with pytest.raises(ConfigError, match="holds a run already"):
        workshop.run("sft", "first", max_steps=2, context=RunContext(command="test", resume="never"))
    assert {p: p.read_bytes() for p in (workshop.folder / "first").rglob("*") if p.is_file()} == before


def test_checkpoints_that_are_all_corrupt_stop_the_resumption(workshop: Workshop) -> None:
    """And a single corrupt one makes the run fall back to the one before, with the same end."""
    workshop.run("sft", "whole", max_steps=4)
    workshop.run("sft", "spoilt", max_steps=4)
    newest, older = sorted((workshop.folder / "spoilt" / "checkpoints").glob("step-*"), reverse=True)
    flip(newest / "modules.safetensors")
    workshop.run("sft", "spoilt", max_steps=4)
    assert workshop.metrics("spoilt") == workshop.metrics("whole")
    assert (workshop.folder / "spoilt" / "model" / "model.safetensors").read_bytes() == (
        workshop.folder / "whole" / "model" / "model.safetensors"
    ).read_bytes()
    for path in (workshop.folder / "spoilt" / "checkpoints").glob("step-*"):
        flip(path / "modules.safetensors")
    with pytest.raises(CheckpointError, match="no checkpoint is valid") as caught:
        workshop.run("sft", "spoilt", max_steps=4)
    assert caught.value.exit_code == 5 and older.name in caught.value.why and caught.value.remedy


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def test_no_room_on_the_disk_is_said_before_the_first_step(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is asked through the checkpoint manager; here it answers with 1000 bytes."""
    init = checkpoint.CheckpointManager.__init__
    monkeypatch.setattr(
        checkpoint.CheckpointManager,
        "__init__",
        lambda self, *a, **k: init(self, *a, **{**k, "free_bytes": lambda path: 1000}),
    )
    with pytest.raises(EnvironmentProblem, match="no room for checkpoints") as caught:
        workshop.run("sft", "no-room")
    assert caught.value.exit_code == 5 and caught.value.remedy
    assert not (workshop.folder / "no-room" / "model").exists()
    assert json.loads((workshop.folder / "no-room" / "STATUS.json").read_text())["state"] == "failed"


def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_no_model(workshop: Workshop) -> None:
    engine = {**workshop.settings("sft")["engine"], "optimizer": {"learning_rate": 1e30, "max_grad_norm": None}}
    with pytest.raises(NumericalError, match=r"step [23]") as caught:
        workshop.run("sft", "exploded", engine=engine)
    assert "records" in str(caught.value) and caught.value.exit_code == 1
    assert not (workshop.folder / "exploded" / "model").exists()


@pytest.mark.parametrize("stage", ["pretrain", "sft", "reward", "dpo", "ppo", "grpo", "distill"])
def test_a_dry_run_checks_everything_and_writes_nothing(stage: str, workshop: Workshop) -> None:
    result = workshop.run(stage, "dry", context=RunContext(command="test", dry_run=True))
    assert result.summary["dry_run"] is True and len(result.summary) > 1
    assert not (workshop.folder / "dry").exists()
