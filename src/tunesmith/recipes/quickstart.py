"""The whole loop in one command: base -> SFT -> rankings -> reward model -> PPO-ptx, each measured on held-out prompts.

Every stage is an ordinary recipe that reads and writes artefacts under `out`, so each can be rerun alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Prompt, Ranking
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.desk import demonstrations, documents, labelers, prompts
from tunesmith.evaluate.desk_eval import Versus
from tunesmith.model.generate import Sampling
from tunesmith.recipes import ppo as ppo_stage
from tunesmith.recipes import reward as reward_stage
from tunesmith.recipes import sft as sft_stage
from tunesmith.recipes.answer import answer
from tunesmith.recipes.clock import Clock
from tunesmith.recipes.measure import MeasureConfig, Measured, measure_desk, measure_plain, measure_reward_model
from tunesmith.recipes.own_data import OwnData, split_own_data
from tunesmith.recipes.quickstart_report import write_outcome
from tunesmith.recipes.rank import rankings_of
from tunesmith.recipes.records import CHARACTERS_A_DOCUMENT
from tunesmith.recipes.stage import open_model
from tunesmith.store import Snapshot, freeze


class Config(Strict):
    """The whole loop. The nested groups are the stages' own configurations; model, data and out are filled in here."""

    model: str = Field("desk", description="base model: desk (shipped), a folder, or a hub id")
    data: tuple[str, ...] = Field((), description="your own demonstrations or rankings; none = the built-in desk")
    out: str = Field("runs/quickstart", description="where everything goes")
    seed: int = Field(0, description="the seed of everything random")
    full: bool = Field(False, description="with the experiments that take up to 30 minutes")
    sft_rows: int = Field(3000, ge=1, description="desk demonstrations")
    rank_prompts: int = Field(600, ge=2, description="prompts whose completions are ranked for training")
    heldout_rank_prompts: int = Field(150, ge=1, description="prompts ranked by the held-out labelers")
    completions_per_prompt: int = Field(4, ge=2, le=9, description="K")
    ppo_prompts: int = Field(2000, ge=1, description="prompts to roll out on")
    ptx_rows: int = Field(800, ge=1, description="desk documents of the pretraining mix")
    eval_prompts: int = Field(400, ge=1, description="held-out prompts for every model")
    eval_documents: int = Field(200, ge=1, description="held-out documents for perplexity")
    eval_temperature: float = Field(0.7, ge=0, description="sampling temperature when measured; 0 = greedy")
    max_tokens: int = Field(64, ge=1, description="longest completion")
    sft: sft_stage.Config = Field(sft_stage.Config(), description="supervised fine-tuning")
    reward: reward_stage.Config = Field(reward_stage.Config(), description="reward model")
    ppo: ppo_stage.Config = Field(ppo_stage.Config(), description="PPO-ptx")


def run(config: Config, context: RunContext) -> RunResult:
    """Run the loop and write report.html and results.json."""
    out = Path(config.out)
    if not context.dry_run and (out / "results.json").exists() and context.resume == "never":
        raise ConfigError("holds a finished quickstart", where=str(out), remedy="choose another --out")
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, "stages": ["sft", "rank", "reward", "ppo", "evaluate"]})
    clock = Clock(context.log)
    own = split_own_data(config.data, context.log, config.seed) if config.data else None
    with clock.stage("data"):
        shown = own.demonstrations if own else demonstrations(config.sft_rows, seed=config.seed, split="train")
        demos = freeze(shown, out / "data" / "demonstrations")
    with clock.stage("sft"):
        tuned = sft_stage.run(stage_config(config, config.sft, model=config.model, data=demos, out="sft"), context)
        clock.tokens(int(tuned.summary["tokens"]))
    policy = str(out / "sft" / "model")
    with clock.stage("rank"):
        ranked, heldout = collect_rankings(config, policy, own, out, clock)
    with clock.stage("reward"):
        rewarded = reward_stage.run(
            stage_config(config, config.reward, model=policy, data=ranked, out="reward").model_copy(
                update={"demonstrations": (str(demos.directory),)}
            ),
            context,
        )
        clock.tokens(int(rewarded.summary["tokens"]))
    with clock.stage("ppo_ptx"):
        optimised = ppo_stage.run(ppo_config(config, own, out, policy, ptx=True), context)
        clock.tokens(int(optimised.summary["tokens"]))
    models = {"base": config.model, "sft": policy, "ppo_ptx": str(out / "ppo_ptx" / "model")}
    if config.full:
        with clock.stage("ppo"):
            ppo_stage.run(ppo_config(config, own, out, policy, ptx=False), context)
        models["ppo"] = str(out / "ppo" / "model")
    with clock.stage("evaluate"):
        measured = measure(config, models, heldout, own)
    paths = write_outcome(measured, clock, seed=config.seed, out=out, context=context)
    summary = {"win_rates": {name: rate.model_dump(mode="json") for name, rate in measured.win_rates.items()}}
    return RunResult(out=out, summary=summary, artefacts=paths, next_command=f"tunesmith chat {paths['ppo_ptx']}")


Stage = TypeVar("Stage", sft_stage.Config, reward_stage.Config, ppo_stage.Config)


def stage_config(config: Config, stage: Stage, *, model: str, data: Snapshot, out: str) -> Stage:
    """Return a stage's configuration with what the loop decides filled in."""
    place = {"model": model, "data": (str(data.directory),), "out": str(Path(config.out) / out), "seed": config.seed}
    return stage.model_copy(update=place)


def ppo_config(config: Config, own: OwnData | None, out: Path, policy: str, *, ptx: bool) -> ppo_stage.Config:
    """Return PPO's configuration; without ptx, the same but for the pretraining term."""
    asked = own.prompts if own else prompts(config.ppo_prompts, seed=config.seed + 2, split="train")
    texts = own.documents() if own else list(documents(config.ptx_rows * CHARACTERS_A_DOCUMENT, seed=config.seed + 3))
    rows = freeze(asked, out / "data" / "prompts")
    mix = freeze(texts, out / "data" / "pretraining")
    stage = stage_config(config, config.ppo, model=policy, data=rows, out="ppo_ptx" if ptx else "ppo")
    settings = stage.ppo.model_copy(update={"max_tokens": config.max_tokens})
    coefs = stage.ptx if ptx else stage.ptx.model_copy(update={"ptx_coef": 0.0})
    more = {"reward_model": str(out / "reward" / "model"), "ptx_data": (str(mix.directory),)}
    return stage.model_copy(update={**more, "ppo": settings, "ptx": coefs})


def collect_rankings(
    config: Config, policy: str, own: OwnData | None, out: Path, clock: Clock
) -> tuple[Snapshot, list[Ranking]]:
    """Return rankings to train on, frozen, and rankings by the held-out labelers (or held-out rows of your own)."""
    if own and own.rankings:
        return freeze(own.rankings, out / "data" / "rankings"), own.heldout_rankings
    model, _ = open_model(policy)
    template = model.chat_template()
    k = config.completions_per_prompt
    if own:
        asked = [Prompt(messages=d.prompt, meta=d.meta) for d in own.demonstrations]
        answers = answer(model, asked, template, Sampling(max_tokens=config.max_tokens, seed=config.seed))
        pairs = own.against(answers.first_texts())
        return freeze(pairs, out / "data" / "rankings"), own.heldout_rankings
    parts: list[list[Ranking]] = []
    for heldout, n in ((False, config.rank_prompts), (True, config.heldout_rank_prompts)):
        asked = prompts(n, seed=config.seed + 1, split="test" if heldout else "train")
        sampling = Sampling(max_tokens=config.max_tokens, seed=config.seed + heldout)
        answers = answer(model, asked, template, sampling, completions=k)
        clock.tokens(sum(len(g.ids) for row in answers.generated for g in row))
        crew = labelers(heldout=heldout)
        each = len(crew) if heldout else 1
        parts.append(rankings_of(asked, answers, crew, labels_each=each, model="sft", seed=config.seed))
    freeze(parts[1], out / "data" / "heldout_rankings")
    return freeze(parts[0], out / "data" / "rankings"), parts[1]


def measure(config: Config, models: dict[str, str], heldout: Sequence[Ranking], own: OwnData | None) -> Measured:
    """Return every model's numbers on held-out prompts."""
    how = MeasureConfig(temperature=config.eval_temperature, max_tokens=config.max_tokens, seed=config.seed)
    if own:
        measured = measure_plain(models, own.heldout_demonstrations, how)
    else:
        asked = prompts(config.eval_prompts, seed=config.seed + 4, split="test")
        texts = list(documents(config.eval_documents * CHARACTERS_A_DOCUMENT, seed=config.seed + 1_000))
        names = [("sft", "base"), ("ppo_ptx", "sft"), ("ppo_ptx", "base")]
        names += [("ppo", "sft"), ("ppo_ptx", "ppo")] if config.full else []
        measured = measure_desk(models, asked, texts, [Versus(a, b) for a, b in names], how)
    measured.reward_model = measure_reward_model(str(Path(config.out) / "reward" / "model"), heldout, how)
    return measured
