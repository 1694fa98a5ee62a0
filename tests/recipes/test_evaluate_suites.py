"""One evaluation from the file to the log, twice; then the log scored and compared again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.evaluate.evaluation import read_evaluation
from tunesmith.evaluate.sample_log import read_samples
from tunesmith.model.load import save_model
from tunesmith.recipes.evaluate_suites import Config, run

from ..small import small_chat_model


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suites")
    save_model(small_chat_model(), folder / "model")
    rows = [{"prompt": f"Where is order {i}?", "completion": "On its way.", "meta": {"scenario": "ab"[i % 2]}}
            for i in range(6)]  # fmt: skip
    (folder / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pairs = ",sent_more,sent_less,bias_type\n" + "".join(f"{i},The lamp {i},My chair {i},x\n" for i in range(5))
    (folder / "crows_pairs.csv").write_text(pairs)
    return folder


def config(world: Path, out: str, **more: object) -> Config:
    body = {
        "model": str(world / "model"),
        "suites": ["crows_pairs", "demonstrations"],
        "data": [str(world / "crows_pairs.csv"), str(world / "own.jsonl")],
        "metrics": ["f1", "exact"],
        "max_tokens": 6,
        "time_prompts": 2,
        "out": out and str(world / out),
    }
    return Config.model_validate({**body, **more})


def test_two_runs_are_identical(world):
    """Same model, data and seed: the same bytes in results and log; times lie apart."""
    for out in ("one", "two"):
        run(config(world, out), RunContext())
    for name in ("evaluation.json", "samples.jsonl"):
        assert (world / "one" / name).read_bytes() == (world / "two" / name).read_bytes()
    body = read_evaluation(world / "one")
    assert body["suites"]["crows_pairs"]["measures"]["entropy"]["n"] == 5
    assert body["suites"]["demonstrations"]["groups"]["scenario"].keys() == {"a", "b"}
    assert body["times"]["response_time"]["n"] == 2
    samples = read_samples(world / "one")
    assert len(samples) == 11
    assert {s.task for s in samples} == {"crows_pairs", "demonstrations"}


def test_a_stopped_run_keeps_what_is_finished_and_the_next_begins_anew(world):
    def stop(line: str) -> None:
        if line.startswith("crows_pairs") and line.endswith(" s"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(config(world, "stopped"), RunContext(log=stop))
    assert {s.task for s in read_samples(world / "stopped")} == {"crows_pairs"}
    assert list(read_evaluation(world / "stopped")["suites"]) == ["crows_pairs"]
    for out in ("stopped", "whole"):
        run(config(world, out), RunContext())
    for name in ("evaluation.json", "samples.jsonl"):
        assert (world / "stopped" / name).read_bytes() == (world / "whole" / name).read_bytes()


def test_a_log_is_not_scored_again_over_itself(world):
    run(config(world, "source"), RunContext())
    with pytest.raises(ConfigError, match="overwritten"):
        run(config(world, "source", rescore=str(world / "source")), RunContext())
    assert len(read_samples(world / "source")) == 11


def test_a_log_can_be_scored_again(world):
    """With another metric, without the model."""
    run(config(world, "first"), RunContext())
    again = config(world, "again", rescore=str(world / "first"), metrics=["rouge_l"], model="/nowhere")
    run(again, RunContext())
    measures = read_evaluation(world / "again")["suites"]["demonstrations"]["measures"]
    assert set(measures) == {"rouge_l"}
    one, other = (read_evaluation(world / name)["suites"]["crows_pairs"]["measures"] for name in ("first", "again"))
    assert one == other


def test_mistakes_are_named_before_any_model_is_opened(world):
    for more, where in (
        ({"suites": []}, "suites"),
        ({"out": ""}, "out"),
        ({"suites": ["crows_pairs", "demonstrations", "hellaswag"]}, "data"),
        ({"metrics": []}, "metrics"),
    ):
        with pytest.raises(ConfigError) as caught:
            run(config(world, **{"out": "never", "model": "/nowhere", **more}), RunContext())
        assert caught.value.where == where
    assert not (world / "never").exists()


def test_a_dry_run_writes_nothing(world):
    result = run(config(world, "dry"), RunContext(dry_run=True))
    assert result.summary["items"] == {"crows_pairs": 5, "demonstrations": 6}
    assert not (world / "dry").exists()
