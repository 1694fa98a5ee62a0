"""The whole loop in one command: base -> SFT -> rankings -> reward model -> PPO-ptx, each measured on held-out prompts.

Every stage is an ordinary recipe that reads and writes artefacts under `out`, so each can be rerun alone.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate.results import OveroptimisationResult
from tunesmith.recipes import ppo, reward, sft
from tunesmith.recipes.clock import Clock
from tunesmith.recipes.overoptimise import overoptimisation
from tunesmith.recipes.own_data import split_own_data
from tunesmith.recipes.quickstart_config import QuickstartConfig
from tunesmith.recipes.quickstart_parts import (
    collect_rankings,
    drawn_demonstrations,
    measure,
    ppo_config,
    pretraining_text,
    sft_config,
    stage_config,
)
from tunesmith.recipes.quickstart_report import write_outcome
from tunesmith.recipes.stage import require_one_process
from tunesmith.store import freeze

Config = QuickstartConfig


def run(config: QuickstartConfig, context: RunContext) -> RunResult:
    """Run the loop and write report.html and results.json.

    Raises:
        ConfigError: `out` holds a finished quickstart and `--resume never` was asked for.
    """
    require_one_process("quickstart", context)
    out = Path(config.out)
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, "stages": ["sft", "rank", "reward", "ppo", "evaluate"]})
    if (out / "results.json").exists() and context.resume == "never":
        raise ConfigError("holds a finished quickstart", where=str(out), remedy="choose another --out")
    clock = Clock(context.log)
    with clock.stage("data"):
        own = split_own_data(config.data, context.log, config.seed) if config.data else None
        shown = own.demonstrations if own else drawn_demonstrations(config)
        demos = freeze(shown, out / "data" / "demonstrations")
        mixed = pretraining_text(config, own)
    with clock.stage("sft"):
        tuned = sft.run(sft_config(config, own, demos, mixed=mixed), context)
        clock.tokens(tuned.summary["tokens"])
    policy = str(out / "sft" / "model")
    with clock.stage("rank"):
        ranked, heldout = collect_rankings(config, policy, own, clock)
    with clock.stage("reward"):
        stage = stage_config(config, config.reward, model=policy, data=ranked, name="reward")
        shown_again = {"demonstrations": (str(demos.directory),)}
        rewarded = reward.run(stage.model_copy(update=shown_again), context)
        clock.tokens(rewarded.summary["tokens"])
    with clock.stage("ppo_ptx"):
        optimised = ppo.run(ppo_config(config, own, policy, mixed=mixed), context)
        clock.tokens(optimised.summary["tokens"])
    bases = {"base": config.model, "base_prompted": config.model}
    bases |= {"base_large": config.base_large} if config.base_large else {}
    models = {**bases, "sft": policy, "ppo_ptx": str(out / "ppo_ptx" / "model")}
    curves: dict[str, OveroptimisationResult] = {}
    if config.full:
        with clock.stage("ppo"):
            clock.tokens(ppo.run(ppo_config(config, own, policy, mixed=None), context).summary["tokens"])
        models["ppo"] = str(out / "ppo" / "model")
        if own is None:
            with clock.stage("overoptimisation"):
                curves = overoptimisation(config, policy, context)
    with clock.stage("evaluate"):
        measured = measure(config, models, heldout, own)
    written = write_outcome(measured, clock, curves_over_kl=curves, seed=config.seed, out=out, context=context)
    summary = {
        "success": {name: m.success.to_json() for name, m in measured.models.items() if m.success is not None},
        "win_rates": {name: rate.gold.to_json() for name, rate in measured.win_rates.items()},
    }
    following = f"tunesmith chat {out}"
    return RunResult(out=out, summary=summary, lines=written.lines, artefacts=written.paths, next_command=following)
