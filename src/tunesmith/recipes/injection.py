"""Measure how often a model follows instructions hidden in the pages it is given, with and without the frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate.injection import attacks, run_attacks
from tunesmith.model.adapt import make_chat_model
from tunesmith.model.generate import Sampling, generate
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.stage import open_model
from tunesmith.train.durable import json_bytes, replace_file


class Config(Strict):
    """Injection suite."""

    model: str = Field("", description="a run, a model folder, a hub id, or desk")
    out: str = Field("", description="a folder for injection.json, with every answer; none = only on screen")
    seed: int = Field(0, description="the seed of the attacks and intervals")
    attacks: int = Field(200, ge=10, description="how many pages with a hidden instruction")
    max_tokens: int = Field(48, ge=1, description="longest answer")
    max_length: int = Field(1024, ge=64, description="tokens of prompt and answer together")


def run(config: Config, context: RunContext) -> RunResult:
    """Answer every attack greedily, in the frame and bare, and report both rates."""
    if not config.model:
        raise ConfigError("no model to measure", where="model", remedy="give --model DIR")
    model, _ = open_model(model_folder(config.model))
    model = make_chat_model(model)  # a base model is asked in the template that fine-tuning would give it
    template = model.chat_template()

    def answer(prompts: Sequence[list[int]]) -> list[str]:
        sampling = Sampling(max_tokens=config.max_tokens, temperature=0.0, seed=config.seed)
        rows = generate(model.network, prompts, stop_ids=template.stop_ids, sampling=sampling)
        return [template.completion_text(row[0].ids) for row in rows]

    cases = attacks(config.attacks, seed=config.seed)
    summary, answers = {}, {}
    for name, delimited in (("with_frame", True), ("without_frame", False)):
        found = run_attacks(
            cases,
            template,
            answer,
            delimited=delimited,
            max_length=config.max_length,
            max_tokens=config.max_tokens,
            seed=config.seed,
        )
        context.log(f"{name}: {len(found.outcomes)} answers, {found.quoted} only quoted, {found.unfit} did not fit")
        summary[name] = found.to_json()
        answers[name] = [outcome._asdict() for outcome in found.outcomes]
    artefacts = {}
    if config.out:
        path = Path(config.out) / "injection.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json_bytes({**summary, "answers": answers}))
        artefacts["injection"] = str(path)
    return RunResult(out=Path(config.out or "."), summary=summary, artefacts=artefacts, next_command="")
