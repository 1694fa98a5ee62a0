"""One watched fine-tuning run is the recipe's own."""

from __future__ import annotations

from pathlib import Path

from benchmarks.chat_model import write_model
from benchmarks.growth import write_chats
from benchmarks.growth_run import measure

from tunesmith.core.run_context import RunContext
from tunesmith.recipes import sft, stage


def test_the_timed_steps_are_those_after_the_warm_up(tmp_path: Path, tiny: str) -> None:
    """Two steps are an epoch of this file: two to warm up, and the two that are timed have each row's tokens once."""
    write_model(tmp_path / "model", tiny)
    write_chats(tmp_path / "rows.jsonl", 40)
    train = stage.train
    found = measure(tmp_path / "model", tmp_path / "rows.jsonl", warm_up=2, steps=2, bf16=False)
    assert stage.train is train
    body = {"model": str(tmp_path / "model"), "data": [str(tmp_path / "rows.jsonl")], "out": str(tmp_path / "out")}
    plan = sft.run(sft.Config.model_validate(body), RunContext(dry_run=True)).summary
    assert plan["steps"] == 2 and found.tokens == plan["tokens"]
    assert found.setup_s > 0 and found.rate == found.tokens / found.training_s > 0
    assert found.bytes_peak >= found.bytes_after_setup > 2**20
