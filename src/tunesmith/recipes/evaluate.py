"""Measure one model, or two against each other, on held-out prompts.

With the built-in desk the gold judge and the held-out labelers decide; with your own demonstrations there is no judge,
so perplexity, length, variety and the answers themselves are reported. A model without a chat template is asked in
plain text, after solved examples.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Demonstration
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.desk import documents, examples, prompts
from tunesmith.evaluate.desk_eval import Versus
from tunesmith.recipes.asking import MeasureConfig, Plainly
from tunesmith.recipes.measure import measure_desk, measure_plain
from tunesmith.recipes.records import CHARACTERS_A_DOCUMENT, read_records
from tunesmith.train.durable import json_bytes, replace_file


class Config(Strict):
    """Evaluation."""

    model: str = Field("", description="a run, a model folder, a hub id, or desk")
    against: str = Field("", description="a second model, to be compared with")
    data: tuple[str, ...] = Field(("desk",), description="held-out demonstrations, or desk")
    out: str = Field("", description="a folder for evaluation.json; none = only on screen")
    seed: int = Field(0, description="the seed of prompts, samples and intervals")
    prompts: int = Field(400, ge=1, description="how many held-out prompts the desk makes")
    documents: int = Field(200, ge=0, description="how many held-out documents, for perplexity")
    measure: MeasureConfig = Field(MeasureConfig(), description="sampling and sizes")


def run(config: Config, context: RunContext) -> RunResult:
    """Measure and report."""
    if not config.model:
        raise ConfigError("no model to measure", where="model", remedy="give --model DIR")
    models = {"first": model_folder(config.model)}
    if config.against:
        models["second"] = model_folder(config.against)
    how = config.measure.model_copy(update={"seed": config.seed})
    if config.data == ("desk",):
        asked = prompts(config.prompts, seed=config.seed + 4, split="test")
        texts = list(documents(config.documents * CHARACTERS_A_DOCUMENT, seed=config.seed + 1_000))
        pairs = [Versus("first", "second")] if config.against else []
        shown = Plainly(examples=examples(seed=config.seed))
        measured = measure_desk(models, asked, texts, pairs, how, shown)
    else:
        records = read_records(config.data, ["demonstration"], log=context.log, desk_rows=1, seed=config.seed)
        rows = cast("list[Demonstration]", records)
        measured = measure_plain(models, rows, how, Plainly(examples=rows))
    summary: dict[str, Any] = {
        "models": {name: m.model_dump(mode="json", exclude_none=True) for name, m in measured.models.items()},
        "win_rates": {n: w.model_dump(mode="json", exclude_none=True) for n, w in measured.win_rates.items()},
    }
    artefacts = {}
    if config.out:
        path = Path(config.out) / "evaluation.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json_bytes({**summary, "samples": [s.to_json() for s in measured.samples]}))
        artefacts["evaluation"] = str(path)
    return RunResult(out=Path(config.out or "."), summary=summary, artefacts=artefacts, next_command="")


def model_folder(name: str) -> str:
    """Return the model folder of a run or of a quickstart (its PPO-ptx model), or the name itself."""
    for inside in (Path(name) / "model", Path(name) / "ppo_ptx" / "model"):
        if (inside / "config.json").is_file():
            return str(inside)
    return name
