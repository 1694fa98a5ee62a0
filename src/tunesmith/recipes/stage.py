"""What every training recipe shares: its common configuration, reading data, opening and closing a run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Record
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.data.batch import TokenBatch
from tunesmith.data.chunks import split_by_tokens
from tunesmith.desk.weights import shipped_base
from tunesmith.model.load import LanguageModel, load_model, resolve_folder, save_model
from tunesmith.model.lora import merge_lora, save_lora
from tunesmith.recipes.records import read_records, snapshot_hash
from tunesmith.store import split
from tunesmith.store.label_sources import label_sources
from tunesmith.train.dataset_source import Walk
from tunesmith.train.distributed import World, join_world
from tunesmith.train.engine import Resume, TrainResult, train
from tunesmith.train.engine_config import EngineConfig
from tunesmith.train.run_directory import RunDirectory, provenance
from tunesmith.train.task import TrainingTask

SURPRISAL = "weight of telling, from the state at each token, how unlikely the token was (losses/surprisal.py); 0 = not"


class StageConfig(Strict):
    """What every training stage needs. `data` may name files, snapshot folders, or `desk` (the built-in example)."""

    model: str = Field("desk", description="a model folder, a hub id, or desk (the shipped base)")
    data: tuple[str, ...] = Field(("desk",), description="files, snapshot folders, or desk")
    out: str = Field("", description="the run's folder; required")
    seed: int = Field(0, description="the seed of everything random")
    desk_rows: int = Field(3000, ge=1, description="how many rows `desk` makes")
    max_length: int = Field(512, ge=2, description="tokens of prompt and completion together")
    validation_fraction: float = Field(0.05, ge=0, lt=1, description="share of users or prompts held out")
    micro_batch_tokens: int = Field(4096, ge=1, description="tokens in one forward and backward pass")
    max_steps: int | None = Field(None, ge=1, description="optimizer steps; overrides num_train_epochs")
    engine: EngineConfig = Field(EngineConfig(), description="optimizer, schedule, precision, checkpoints")


def walk_of(config: StageConfig, world: World, *, global_batch_size: int, num_train_epochs: float) -> Walk:
    """Return how a data set is walked under this configuration."""
    return Walk(
        global_batch_size=global_batch_size,
        micro_batch_tokens=config.micro_batch_tokens,
        num_train_epochs=num_train_epochs,
        max_steps=config.max_steps,
        seed=config.seed,
        rank=world.rank,
        world_size=world.size,
    )


def open_model(name: str, *, classifier: bool = False) -> tuple[LanguageModel, Path]:
    """Return a model and its folder, on the accelerator when there is one."""
    folder = resolve_folder(name, shipped=shipped_base())
    return on_accelerator(load_model(folder, classifier=classifier)), folder


def on_accelerator(model: LanguageModel) -> LanguageModel:
    """Move the network to this process's CUDA device, when there is one."""
    if torch.cuda.is_available():
        model.network.to("cuda")
    return model


def require_one_process(name: str, context: RunContext) -> None:
    """Raise ConfigError where torchrun started several ranks of a stage that knows only one."""
    if context.environment.get("WORLD_SIZE", "1") != "1":
        why = "sampling on several ranks is not part of this version"
        raise ConfigError(f"{name} runs in one process", where="torchrun", why=why, remedy="start it without torchrun")


def held_out(records: Sequence[Record], fraction: float, seed: int) -> tuple[list[Any], list[Any]]:
    """Return training and validation records, disjoint by user or prompt."""
    if fraction == 0:
        return list(records), []
    parts = split(records, fractions={"train": 1 - fraction, "validation": fraction}, seed=seed)
    return parts["train"], parts["validation"]


ADAPTER_FOLDER = "adapter"


class Stage:
    """One run of one recipe, from reading data to the saved model."""

    def __init__(self, name: str, config: StageConfig, context: RunContext) -> None:
        if not config.out:
            raise ConfigError("no folder for the run", where="out", remedy="give --out DIR")
        self.name = name
        self.config = config
        self.context = context
        self.world = join_world(context.environment)
        self.run = RunDirectory(Path(config.out))
        if not context.dry_run:
            self.world.lead(partial(self.run.check_free, resume=context.resume != "never"))
        self.parents: dict[str, str] = {}
        self.snapshots: dict[str, str] = {}
        self.labels: dict[str, Any] = {}

    def read(self, kinds: Sequence[str], *, data: Sequence[str] | None = None, label: str = "data") -> list[Record]:
        """Return the records of these kinds, and note the content hash of what was read."""
        chosen = self.config.data if data is None else tuple(data)
        records = read_records(
            chosen, kinds, log=self.context.log, desk_rows=self.config.desk_rows, seed=self.config.seed
        )
        self.snapshots[label] = snapshot_hash(records)
        if sources := label_sources(records):
            self.labels[label] = sources
        return records

    def open(self, name: str, *, role: str = "model", classifier: bool = False) -> LanguageModel:
        """Return a model and note it as this run's parent."""
        model, folder = open_model(name, classifier=classifier)
        self.parents[role] = str(folder) if name != "desk" else f"desk ({model.card.get('hash', 'shipped base')})"
        return model

    def train(self, task: TrainingTask) -> TrainResult:
        """Open the run directory and train."""
        config = self.config.model_dump(mode="json")
        command = shlex.split(self.context.command)
        origin = provenance(parents=self.parents, snapshots=self.snapshots, command=command, labels=self.labels)
        asked = self.context.resume
        self.world.lead(partial(self.run.prepare, config, origin, resume=asked != "never"))
        self.world.lead(self.run.lock)
        engine = self.config.engine.model_copy(
            update={"seed": self.config.seed, "quiet": self.context.quiet or self.config.engine.quiet}
        )
        resume: Resume = asked if asked in ("auto", "never") else Path(asked)  # type: ignore[assignment]
        try:
            return train(task, engine, self.run, resume=resume, world=self.world)
        finally:
            self.run.unlock()

    def save(self, model: LanguageModel, card: Mapping[str, Any]) -> None:
        """Write the model folder of the run."""
        if self.world.is_lead:
            body = {"stage": self.name, "parents": self.parents, "snapshots": self.snapshots, **card}
            save_model(model, self.run.model, card=body)

    def merge_adapter(self, model: LanguageModel) -> None:
        """Keep the adapter beside the model folder, then add it to the weights."""
        if self.world.is_lead:
            save_lora(model.network, self.run.path / ADAPTER_FOLDER, base=self.parents["model"])
        merge_lora(model.network)

    def dry(self, plan: Mapping[str, Any]) -> RunResult:
        """Return what a dry run says: everything was read and checked, nothing was written."""
        self.world.close()
        return RunResult(out=self.run.path, summary={"dry_run": True, **plan})

    def result(self, result: TrainResult, *, next_command: str, **more: Any) -> RunResult:
        """Return the stage's result; the ranks part here."""
        self.world.close()
        summary = {
            "steps": result.steps,
            "tokens": result.tokens,
            "stopped_early": result.stopped_early,
            "validation": result.validation,
            **more,
        }
        return RunResult(
            out=self.run.path,
            summary=summary,
            artefacts={"model": str(self.run.model), "metrics": str(self.run.metrics)},
            next_command=next_command,
        )


def batches_in_order(rows: Sequence[Any], sizes: Sequence[int], limit: int, pack: Any) -> list[TokenBatch]:
    """Return packed batches of all rows, for validation."""
    return [pack([rows[i] for i in part]) for part in split_by_tokens(range(len(rows)), sizes, limit)]
