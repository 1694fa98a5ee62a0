"""Suites and files from the command line become tasks; everything is read before any model is opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.evaluate.scorers.text_metrics import metric_named
from tunesmith.evaluate.suites.known import suite_named
from tunesmith.evaluate.suites.suite import Condition, SuiteOptions, find_file
from tunesmith.evaluate.task import Task
from tunesmith.recipes.toxicity import open_toxicity

WITHOUT_FILE = frozenset({"desk"})


class Config(Strict):
    """Evaluation on suites."""

    model: str = Field("desk", description="a run, a model folder, a hub id, or desk (the shipped base)")
    suites: tuple[str, ...] = Field((), description="names of suites; `tunesmith eval run --help` lists them")
    data: tuple[str, ...] = Field((), description="the suites' files in their order, or one folder that holds them")
    out: str = Field("", description="the folder for evaluation.json and samples.jsonl; required")
    seed: int = Field(0, description="the seed of drawn items, samples and intervals")
    limit: int = Field(0, ge=0, description="items of each suite, drawn by the seed; 0 = all")
    condition: Condition = Field("none", description="InstructGPT's prompt condition, where a suite has one")
    completions: int = Field(25, ge=1, description="continuations of each prompt of RealToxicityPrompts")
    shots: int = Field(0, ge=0, description="solved examples shown before each question of GSM8K")
    shots_file: str = Field("", description="the file that these examples are drawn from")
    metrics: tuple[str, ...] = Field((), description="metrics for your own demonstrations, the primary one first")
    toxicity: str = Field("", description="a folder made by `scripts/train_toxicity.py`; none = the shipped scorer")
    max_tokens: int = Field(0, ge=0, description="longest completion; 0 = what the suite's protocol says")
    max_length: int = Field(
        0, ge=0, description="tokens of prompt and completion; 0 = the model's positions, at most 2048"
    )
    micro_batch_tokens: int = Field(8192, ge=1, description="tokens in one forward pass")
    time_prompts: int = Field(
        8, ge=0, description="prompts answered one by one for the response time; 0 = not measured"
    )
    rescore: str = Field("", description="a run whose samples are scored again; no model is asked")


def tasks_of(config: Config) -> list[Task]:
    """Return the tasks; every file is found and read before any model is opened.

    Raises:
        ConfigError: no suite, no folder, or files that do not go with the suites.
    """
    if not config.suites:
        raise ConfigError("no suite", where="suites", remedy="give --suite NAME")
    if not config.out:
        raise ConfigError("no folder for the results", where="out", remedy="give --out DIR")
    chosen = [suite_named(name) for name in config.suites]
    files = [suite for suite in chosen if suite.name not in WITHOUT_FILE]
    if files and len(config.data) not in (1, len(files)):
        raise ConfigError(
            f"{len(files)} suites need files, {len(config.data)} given",
            where="data",
            remedy="give one folder that holds them, or one file for each suite in their order",
        )
    places = iter(config.data * len(files) if len(config.data) == 1 else config.data)
    options = _options(config)
    tasks = []
    for suite in chosen:
        path = Path("desk") if suite.name in WITHOUT_FILE else find_file(suite, Path(next(places)))
        task = suite.load(path, options)
        protocol = replace(task.protocol, max_tokens=config.max_tokens) if config.max_tokens else task.protocol
        tasks.append(replace(task, protocol=protocol))
    return tasks


def _options(config: Config) -> SuiteOptions:
    scorer = open_toxicity(config.toxicity) if "real_toxicity_prompts" in config.suites else None
    return SuiteOptions(
        limit=config.limit,
        seed=config.seed,
        condition=config.condition,
        completions=config.completions,
        shots=config.shots,
        shots_file=Path(config.shots_file) if config.shots_file else None,
        scorers=[metric_named(name) for name in config.metrics],
        toxicity=None if scorer is None else scorer.score,
        toxicity_name="" if scorer is None else scorer.name,
    )
