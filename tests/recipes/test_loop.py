"""Whole rounds with a tiny random model on the built-in desk: wiring, lineage, stopping, and going on after a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.small import chat_tokenizer, network_of
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Ranking, RankingLabel
from tunesmith.core.run_context import RunContext
from tunesmith.formats import read, write
from tunesmith.recipes import loop, loop_parts, overoptimise

ENGINE: dict[str, Any] = {"tensorboard": False, "quiet": True, "optimizer": {"learning_rate": 1e-3}}
STEP: dict[str, Any] = {"engine": ENGINE, "max_steps": 1, "max_length": 900, "validation_fraction": 0}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> loop.Config:
    monkeypatch.setattr(overoptimise, "PROMPTS", 6)
    monkeypatch.setattr(loop_parts, "CHANGE_SAMPLES", 1)
    tokenizer = chat_tokenizer(template=False)
    network_of("llama", tokenizer.vocab_size, max_position_embeddings=1024).save_pretrained(str(tmp_path / "base"))
    tokenizer.save(tmp_path / "base")
    ppo = {"total_episodes": 4, "rollout_batch_size": 4, "minibatch_size": 4}
    return loop.Config.model_validate(
        {
            "model": str(tmp_path / "base"),
            "out": str(tmp_path / "loop"),
            "rounds": 2,
            "sft_rows": 8,
            "rank_prompts": 4,
            "heldout_rank_prompts": 2,
            "rank_temperatures": (0.7, 1.0),
            "ppo_prompts": 4,
            "ptx_rows": 2,
            "eval_prompts": 6,
            "max_tokens": 4,
            "sft": STEP,
            "reward": STEP,
            "ppo": {**{k: v for k, v in STEP.items() if k != "max_steps"}, "ppo": ppo},
        }
    )


def body(config: loop.Config) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(config.out) / "rounds.json").read_text())
    return found


def test_a_round_that_is_not_better_ends_the_loop_and_is_not_promoted(config: loop.Config) -> None:
    result = loop.run(config, RunContext(command="tunesmith loop"))
    start, first = body(config)["rounds"]
    assert first["verdict"] in ("not better", "over-optimised")
    assert first["policy"] == start["policy"] != first["candidate"] and result.summary["policy"] == start["policy"]
    assert first["parents"]["policy"] == start["policy"] and len(first["parents"]["rankings round-01"]) == 64
    before = (Path(config.out) / "round-01.json").stat().st_mtime_ns
    again = loop.run(config, RunContext(command="tunesmith loop"))  # nothing is done twice
    assert (Path(config.out) / "round-01.json").stat().st_mtime_ns == before and again.summary == result.summary


def test_a_patient_loop_goes_on_from_the_promoted_policy_with_more_rankings(
    config: loop.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = iter(["not better", "promoted"])
    monkeypatch.setattr(loop, "judge_round", lambda *_args, **_kwargs: next(verdicts))
    loop.run(config.model_copy(update={"patience": 2}), RunContext(command="tunesmith loop"))
    start, first, second = body(config)["rounds"]
    assert (
        second["parents"]["policy"] == start["policy"] != first["candidate"] and second["policy"] == second["candidate"]
    )
    assert second["rankings"] == [*first["rankings"], str(Path(config.out) / "round-02/data/rankings")]
    assert start["over_start"] is None and second["over_start"]["n"] == config.eval_prompts


def test_promoted_rounds_go_on_from_each_other_and_learn_from_all_rankings(
    config: loop.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "judge_round", lambda *_args, **_kwargs: "promoted")
    loop.run(config, RunContext(command="tunesmith loop"))
    start, first, second = body(config)["rounds"]
    assert second["parents"]["policy"] == first["candidate"] == first["policy"]
    assert second["rankings"] == [*first["rankings"], str(Path(config.out) / "round-02/data/rankings")]
    provenance = json.loads((Path(config.out) / "round-02/ppo_ptx/provenance.json").read_text())
    assert provenance["parents"]["model"] == first["candidate"] and start["verdict"] == "start"
    assert body(config)["ended"] == "all rounds were run"


def test_people_rank_and_the_loop_waits_for_them(config: loop.Config, tmp_path: Path) -> None:
    config = config.model_copy(update={"labels": str(tmp_path / "labels")})
    result = loop.run(config, RunContext(command="tunesmith loop"))
    work = Path(config.out) / "round-01" / "to_rank.jsonl"
    assert result.next_command == f"tunesmith label add {work} --task round-01"
    shown = [record for record in read(work, kind="ranking").records if isinstance(record, Ranking)]
    assert shown
    (tmp_path / "labels").mkdir()
    label = RankingLabel(labeler="ann", order=(("b",), ("a",)))
    ranked = [Ranking(messages=r.messages, completions=r.completions, rankings=(label,), meta=r.meta) for r in shown]
    write(ranked, tmp_path / "labels" / "round-01.jsonl", format="ranking")
    loop.run(config, RunContext(command="tunesmith loop"))
    assert [one["number"] for one in body(config)["rounds"]] == [0, 1]


def test_it_needs_a_folder_and_a_chat_model(config: loop.Config) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        loop.run(config.model_copy(update={"out": ""}), RunContext())
    with pytest.raises(ConfigError, match="no chat template"):
        loop.run(config.model_copy(update={"sft_first": False}), RunContext())
