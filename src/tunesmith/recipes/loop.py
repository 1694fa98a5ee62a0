"""The loop's rounds (InstructGPT section 3.1: these steps "can be iterated continuously").

Each round: the promoted policy answers new prompts; labelers rank the answers; a reward model learns from all rounds'
rankings; PPO starts from the promoted policy; both answer held-out prompts. The new policy is promoted only if its win
rate's interval lies above one half. The loop ends once it does not improve (`evaluate.rounds.is_over`).
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate.rounds import RoundResult, is_over, judge_round
from tunesmith.evaluate.rounds_report import write_rounds
from tunesmith.recipes import ppo, reward, sft
from tunesmith.recipes.clock import Clock
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.loop_parts import LoopConfig, collect, compared, quality, score_changes
from tunesmith.recipes.quickstart_parts import (
    drawn_demonstrations,
    ppo_config,
    pretraining_text,
    sft_config,
    stage_config,
)
from tunesmith.recipes.stage import open_model, require_one_process
from tunesmith.store import Snapshot, freeze, load

Config = LoopConfig


def run(config: LoopConfig, context: RunContext) -> RunResult:
    """Run rounds until they do not improve any more; write rounds.json and rounds.html after each.

    Raises:
        ConfigError: no folder was named.
    """
    require_one_process("loop", context)
    if not config.out:
        raise ConfigError("no folder for the rounds", where="out", remedy="give --out DIR")
    out = Path(config.out)
    if config.data:
        why = "promotion needs the desk's judge"
        raise ConfigError("the rounds are about the built-in desk", where="data", why=why, remedy="see docs/rounds.md")
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, "rounds": config.rounds})
    clock = Clock(context.log)
    mixed = pretraining_text(config, None)
    with clock.stage("start"):
        done = [first_round(config, mixed, context)]
    asked = ""
    for number in range(1, config.rounds + 1):
        here, file = config.of_round(number), out / f"round-{number:02d}.json"
        if (result := RoundResult.read(file)) is None:
            with clock.stage(f"round {number}: rankings"):
                rankings = collect(here, number, done[-1].policy, clock)
            if rankings is None:
                asked = str(Path(here.out) / "to_rank.jsonl")
                break
            with clock.stage(f"round {number}: training and comparing"):
                result = one_round(here, number, done, rankings, mixed, context)
            result.write(file)
        done.append(result)
        write_rounds(done, out, command=context.command)
        context.log(f"round {number}: {done[-1].verdict}")
        if is_over([one.verdict for one in done], patience=config.patience):
            break
    return write_rounds(done, out, command=context.command, to_rank=asked)


def first_round(config: LoopConfig, mixed: str, context: RunContext) -> RoundResult:
    """Return round 0: the model to begin with, fine-tuned on the desk's demonstrations unless it already was."""
    out = Path(config.out)
    if (known := RoundResult.read(out / "round-00.json")) is not None:
        return known
    policy = model_folder(config.model)
    if config.sft_first:
        demos = freeze(drawn_demonstrations(config), out / "data" / "demonstrations")
        sft.run(sft_config(config, None, demos, mixed=mixed), context)
        policy = str(out / "sft" / "model")
    elif open_model(policy)[0].template is None:
        remedy = "leave sft_first at true, or give a fine-tuned model"
        raise ConfigError("has no chat template", where=config.model, remedy=remedy)
    solved, _ = quality(config, policy)
    start = RoundResult(number=0, verdict="start", policy=policy, candidate=policy, quality=solved)
    start.write(out / "round-00.json")
    return start


def one_round(
    config: LoopConfig, number: int, done: list[RoundResult], rankings: Snapshot, mixed: str, context: RunContext
) -> RoundResult:
    """Train on the rankings of all rounds, optimise, compare with the policy that the round began with, and judge."""
    before = done[-1].policy
    snapshots = [load(Path(path)) for one in done for path in one.rankings[-1:]] + [rankings]
    folders = tuple(str(snapshot.directory) for snapshot in snapshots)
    learned = stage_config(config, config.reward, model=before, data=rankings, name="reward")
    rewarded = reward.run(learned.model_copy(update={"data": folders}), context)
    ppo.run(ppo_config(config, None, before, mixed=mixed), context)
    candidate = str(Path(config.out) / "ppo_ptx" / "model")
    proxy, gold = score_changes(config, before, candidate)
    win = compared(config, before, candidate)
    solved, over_start = quality(config, candidate, done[0].policy)
    verdict = judge_round(win.gold, proxy=proxy, gold=gold)
    return RoundResult(
        number=number,
        verdict=verdict,
        policy=candidate if verdict == "promoted" else before,
        candidate=candidate,
        quality=solved,
        over_start=over_start,
        win_rate=win.gold,
        win_rate_labelers=win.labelers,
        proxy_change=proxy,
        gold_change=gold,
        reward_accuracy=rewarded.summary.get("measured", {}).get("accuracy"),
        rankings=folders,
        parents={"policy": before, **{f"rankings {s.directory.parent.parent.name}": s.sha256 for s in snapshots}},
    )
