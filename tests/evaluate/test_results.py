from __future__ import annotations

import json

import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.results import ModelResult, WinRateResult, read_results, validate_results, write_results
from tunesmith.evaluate.win_rate import WinRate, win_rate
from tunesmith.statistics.rates import wilson

from .full_results import full_results, least_results

TOP = {"seed", "seconds", "peak_memory_gib", "tokens_per_second", "models", "reward_model", "win_rates", "kl", "paths"}


def rates_in(value, path=""):
    if isinstance(value, dict) and "low" in value and "predicted" not in value:
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from rates_in(item, f"{path}.{key}")


def test_the_contracts_names_and_rates(tmp_path):
    path = tmp_path / "new" / "results.json"
    write_results(full_results(), path)
    body = json.loads(path.read_text())
    assert body.keys() >= TOP
    model = {"success", "truthful", "toxic", "by_task", "by_scenario", "perplexity", "mean_tokens", "distinct_2"}
    assert body["models"]["ppo_ptx"].keys() == model
    reward = {"accuracy", "accuracy_heldout_labelers", "labeler_agreement", "calibration_error"}
    assert body["reward_model"].keys() >= reward
    assert body["win_rates"]["ppo_ptx_vs_sft"].keys() >= {"gold", "labelers"}
    assert body["models"]["sft"]["success"] == wilson(70, 100).to_json()
    found = dict(rates_in(body))
    assert len(found) > 30
    assert all(rate.keys() == {"value", "low", "high", "n"} for rate in found.values())


def test_what_is_read_is_what_was_written(tmp_path):
    for results in (full_results(), least_results()):
        write_results(results, tmp_path / "results.json")
        assert read_results(tmp_path / "results.json") == results
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_what_was_not_measured_is_absent_never_null():
    assert "null" not in json.dumps(least_results().to_json())
    assert "reward_model" not in least_results().to_json()
    assert least_results().to_json()["models"]["sft"]["perplexity"] == 5.25


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda body: body.pop("seed"), "seed"),
        (lambda body: body.update(extra=1), "extra"),
        (lambda body: body["seconds"].pop("total"), "total"),
        (lambda body: body["models"]["sft"].update(success=0.7), "models.sft.success"),
        (lambda body: body["models"]["sft"]["success"].pop("n"), "models.sft.success"),
        (lambda body: body["models"]["sft"]["success"].update(low=0.9), "models.sft.success"),
        (lambda body: body["models"]["sft"].update(perplexity=float("nan")), "models.sft.perplexity"),
    ],
)
def test_a_broken_contract_is_named(change, place):
    body = full_results().to_json()
    change(body)
    with pytest.raises(DataError) as error:
        validate_results(body, where="results.json")
    assert place in str(error.value)
    assert error.value.where.startswith("results.json")


@pytest.mark.parametrize("content", [None, "not json"])
def test_an_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="cannot read results"):
        read_results(path)


def test_a_win_rate_takes_its_counts_along():
    gold = win_rate([["win"], ["tie"], ["loss"], ["win"]], seed=0)
    result = WinRateResult.of(WinRate(gold, None))
    assert result.gold == gold.rate
    assert result.gold_counts.model_dump() == {"wins": 2, "ties": 1, "losses": 1}
    assert result.labelers is None


def test_an_empty_model_is_allowed():
    assert ModelResult().model_dump(exclude_none=True) == {"by_task": {}, "by_scenario": {}}
