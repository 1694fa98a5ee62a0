"""Exporting a run: the folder, its card, the adapter; nothing is overwritten and nothing is half written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from transformers import AutoModelForCausalLM

from tests import small_runs
from tests.small import save_base
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.recipes import export, sft
from tunesmith.store.snapshots import freeze

CONTEXT = RunContext(command="tunesmith export", quiet=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of LoRA on a frozen snapshot with licences, and an evaluation beside it."""
    folder = tmp_path_factory.mktemp("runs")
    records = [
        type(one)(messages=one.messages, meta={"licence": "CC0" if i % 3 else "CC BY 4.0"})
        for i, one in enumerate(small_runs.demonstrations(12))
    ]
    freeze(records, folder / "data")
    base = save_base(folder / "base")
    values: dict[str, Any] = {"model": str(base), "data": [str(folder / "data")], "out": str(folder / "tuned"),
                              "lora": {"rank": 2}, "max_steps": 2, "engine": small_runs.ENGINE}  # fmt: skip
    sft.run(sft.Config.model_validate(values), CONTEXT)
    rate = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 90}
    results = {"models": {"tuned": {"success": rate}}, "win_rates": {"tuned_vs_base": {"gold": rate, "labelers": rate}}}
    (folder / "results.json").write_text(json.dumps(results))
    measure = {**rate, "label": "accuracy", "unit": "share", "higher_is_better": True, "primary": True}
    for name, model in (("eval", folder / "tuned" / "model"), ("eval_other", base)):
        (folder / name).mkdir()
        body = {"model": {"name": str(model)}, "suites": {"hellaswag": {"measures": {"acc": measure}}}}
        (folder / name / "evaluation.json").write_text(json.dumps(body))
    return folder


def exported(made: Path, out: Path, **more: Any) -> str:
    result = export.run(export.Config(run=str(made / "tuned"), out=str(out), **more), CONTEXT)
    assert result.artefacts["model"] == str(out)
    return (out / "README.md").read_text()


def test_the_card_says_what_the_files_say(made: Path, tmp_path: Path) -> None:
    card = exported(made, tmp_path / "out", licence="apache-2.0")
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "apache-2.0" and front["library_name"] == "transformers" and "sft" in front["tags"]
    assert "12 demonstrations" in card and "CC0 (8), CC BY 4.0 (4)" in card
    assert card.count("0.700 | 0.600 to 0.800 | 90 |") == 4
    assert "results.json | preferred to base by the gold judge" in card and "hellaswag: accuracy" in card
    assert "eval_other" not in card
    assert "rank: 2" in card, "the settings of the last stage"
    assert str(made) not in card, "nobody's paths are published"


def test_nothing_is_assumed_where_nothing_is_known(made: Path, tmp_path: Path) -> None:
    base = save_base(tmp_path / "elsewhere" / "base")
    result = export.run(export.Config(run=str(base), out=str(tmp_path / "out")), CONTEXT)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "not recorded; say it before you publish" in card and "No evaluation was found" in card
    assert "license" not in yaml.safe_load(card.split("---")[1]) and result.summary["licence"] == "not recorded"


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")  # peft asks transformers for it
def test_the_folder_opens_elsewhere_and_so_does_the_adapter(made: Path, tmp_path: Path) -> None:
    from peft import PeftModel

    exported(made, tmp_path / "out", adapter=True)
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "adapter" / "adapter_config.json").read_text())["r"] == 2
    base = AutoModelForCausalLM.from_pretrained(made / "base")
    base.resize_token_embeddings(whole.get_input_embeddings().weight.shape[0], mean_resizing=False)
    PeftModel.from_pretrained(base, tmp_path / "out" / "adapter")


def test_results_that_cannot_be_read_are_named(made: Path, tmp_path: Path) -> None:
    broken = made / "eval_broken"
    broken.mkdir()
    (broken / "evaluation.json").write_text("{")
    try:
        config = export.Config(run=str(made / "tuned"), out=str(tmp_path / "out"))
        lines: list[str] = []
        done = export.run(config, RunContext(command="tunesmith export", log=lines.append))
        assert done.summary["figures"] and list(done.summary["unread"]) == [str(broken / "evaluation.json")]
        assert any(str(broken / "evaluation.json") in line for line in lines)
    finally:
        shutil.rmtree(broken)


def test_nothing_is_overwritten_and_nothing_is_left_half_written(made: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    qwen = save_base(tmp_path / "qwen", "qwen2")
    for values in (
        {"run": str(made / "tuned"), "out": str(tmp_path / "there")},
        {"run": str(made / "tuned"), "out": ""},
        {"run": str(made / "base"), "out": str(tmp_path / "a"), "adapter": True},
        {"run": str(qwen), "out": str(tmp_path / "b"), "gguf": True},  # refused after the folder was written
    ):
        with pytest.raises(ConfigError):
            export.run(export.Config.model_validate(values), CONTEXT)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["qwen", "there"]
