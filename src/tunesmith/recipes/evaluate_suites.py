"""Measure one model on public suites, on the desk, or on your own demonstrations; every sample is logged.

1. each suite's file becomes a task; 2. the model is asked, likelihoods in packed trees, completions by the generator;
3. the scorer reads the responses; 4. means with intervals by prompt; 5. response time on a few prompts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunesmith import __version__
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate import evaluation, sample_log
from tunesmith.evaluate.aggregate import aggregate
from tunesmith.evaluate.asking import Limits, prompt_ids, start_id
from tunesmith.evaluate.evaluation import TIMES, about_model, results_of, suite_json, write_evaluation
from tunesmith.evaluate.latency import response_time
from tunesmith.evaluate.runner import Answered, fitted, form_for, run_task, scored
from tunesmith.evaluate.sample_log import Sample, append_samples, read_samples, write_samples
from tunesmith.evaluate.task import Ask, Task
from tunesmith.model.generate import Sampling
from tunesmith.model.load import LanguageModel
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.stage import open_model
from tunesmith.recipes.suite_tasks import Config, tasks_of
from tunesmith.train.durable import json_bytes, replace_file

__all__ = ["Config", "run"]

LONGEST = 2048


def run(config: Config, context: RunContext) -> RunResult:
    """Ask, score, aggregate, write.

    Raises:
        ConfigError: a log is to be scored again into its own folder.
    """
    tasks = tasks_of(config)
    for task in tasks:
        context.log(f"{task.name}: {len(task.items):,} items{''.join(f'; {note}' for note in task.notes)}")
    if context.dry_run:
        return RunResult(
            out=Path(config.out), summary={"dry_run": True, "items": {t.name: len(t.items) for t in tasks}}
        )
    if config.rescore and Path(config.rescore).resolve() == Path(config.out).resolve():
        raise ConfigError("would be overwritten while it is read", where="rescore", remedy="choose another --out")
    earlier = read_samples(Path(config.rescore)) if config.rescore else []
    model = None if config.rescore else open_model(model_folder(config.model))[0]
    name = earlier[0].model if earlier else config.model
    body: dict[str, Any] = {
        "kind": "suites",
        "tunesmith": __version__,
        "model": about_model(name, model),
        "seed": config.seed,
    }
    suites: dict[str, Any] = {}
    times: dict[str, Any] = {"seconds": {}}
    out = Path(config.out)
    log = out / sample_log.FILE
    write_samples([], log)
    for asked in tasks:
        begin = time.perf_counter()
        if model is None:
            task, answered = asked, _again(asked, earlier)
        else:
            task = fitted(asked, _limits(config, model))
            answered = run_task(model, task, _limits(config, model), name=name, seed=config.seed)
        times["seconds"][task.name] = time.perf_counter() - begin
        found = aggregate(answered.samples, task.scorer.measures, seed=config.seed)
        suites[task.name] = suite_json(task, answered, found)
        # After every suite, so that a run that is stopped keeps what is finished; the log first, which holds the most.
        append_samples(answered.samples, log)
        replace_file(out / TIMES, json_bytes(times))
        write_evaluation({**body, "suites": suites}, out)
        context.log(f"{task.name}: {len(answered.samples):,} items in {times['seconds'][task.name]:.1f} s")
    if model is not None:
        times |= _times(model, tasks, config)
        replace_file(out / TIMES, json_bytes(times))
    shown = {
        suite: {result.measure.label: result.rate.to_json() for result in results_of(part)}
        | {key: part[key] for key in ("unscored", "left_out", "prompts_cut") if part[key]}
        for suite, part in suites.items()
    }
    artefacts = {"evaluation": str(out / evaluation.FILE), "samples": str(log)}
    summary = {"suites": shown, "response_time": times.get("response_time", {})}
    return RunResult(out=out, summary=summary, artefacts=artefacts, next_command=f"tunesmith eval report {out}")


def _limits(config: Config, model: LanguageModel) -> Limits:
    own = int(getattr(model.network.config, "max_position_embeddings", LONGEST))
    return Limits(max_length=config.max_length or min(own, LONGEST), micro_batch_tokens=config.micro_batch_tokens)


def _again(task: Task, earlier: Sequence[Sample]) -> Answered:
    samples = [sample for sample in earlier if sample.task == task.name]
    return Answered(scored(samples, task.scorer), 0, 0, task.protocol.form)


def _times(model: LanguageModel, tasks: Sequence[Task], config: Config) -> dict[str, Any]:
    """Return the response time on the first prompts of the first suite that asks for completions."""
    for given in tasks:
        asks = [item.request for item in given.items if isinstance(item.request, Ask)][: config.time_prompts]
        if asks:
            limits = _limits(config, model)
            task = fitted(given, limits)
            room = limits.max_length - task.protocol.max_tokens
            ids = [prompt_ids(model, ask, form_for(model, task))[-room:] for ask in asks]
            stop = model.template.stop_ids if model.template is not None else (start_id(model.tokenizer),)
            how = Sampling(max_tokens=task.protocol.max_tokens, temperature=task.protocol.temperature, seed=config.seed)
            return {"response_time": {"suite": task.name, **response_time(model, ids, stop, how)._asdict()}}
    return {}
