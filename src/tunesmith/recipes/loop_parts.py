"""What a round needs besides the stages: its configuration, rankings of people or simulated labelers, measures."""

from __future__ import annotations

from pathlib import Path
from typing import Self, cast

from pydantic import Field

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Prompt, Ranking
from tunesmith.desk import prompts
from tunesmith.evaluate.desk_eval import Versus
from tunesmith.evaluate.results import WinRateResult
from tunesmith.formats import read, write
from tunesmith.recipes.asking import MeasureConfig
from tunesmith.recipes.clock import Clock
from tunesmith.recipes.measure import measure_desk
from tunesmith.recipes.overoptimise import Probe
from tunesmith.recipes.quickstart_config import QuickstartConfig
from tunesmith.recipes.quickstart_parts import EVALUATE, RANK, collect_rankings
from tunesmith.recipes.rank import answers_to_rank, ranked_names, rankings_of
from tunesmith.recipes.stage import open_model
from tunesmith.statistics.rates import Rate, cluster_bootstrap, wilson
from tunesmith.store import Snapshot, freeze

SEEDS_A_ROUND = 10  # the uses of the desk in one round take seeds 1 to 5 above the round's own
QUALITY = 7_000  # the seed of the prompts on which every round's quality is measured
CHANGE_SAMPLES = 4  # completions of a prompt, so that noise of sampling hides less


class LoopConfig(QuickstartConfig):
    """The rounds: the quickstart's settings, used in every round anew."""

    out: str = Field("", description="where the rounds go; required")
    data: tuple[str, ...] = Field((), description="must stay empty: the rounds are about the built-in desk")
    rounds: int = Field(3, ge=1, description="at most how many rounds")
    patience: int = Field(1, ge=1, description="rounds in a row that are not better before the loop ends")
    sft_first: bool = Field(True, description="fine-tune `model` before round 1; false: it is a chat model already")
    labels: str = Field("", description="folder with people's rankings, round-NN.jsonl; none = simulated labelers")

    def of_round(self, number: int) -> Self:
        """Return the configuration of one round: its own folder, and seeds that no other round uses."""
        folder = Path(self.out) / f"round-{number:02d}"
        return self.model_copy(update={"out": str(folder), "seed": self.seed + SEEDS_A_ROUND * number})


def collect(config: LoopConfig, number: int, policy: str, clock: Clock) -> Snapshot | None:
    """Return the round's rankings, frozen; None where people have not ranked yet: then `to_rank.jsonl` waits for them.

    Raises:
        ConfigError: people's file has no labels in it.
    """
    if not config.labels:
        return collect_rankings(config, policy, None, clock)[0]
    labelled = Path(config.labels) / f"round-{number:02d}.jsonl"
    if not labelled.is_file():
        write_work(config, policy, Path(config.out) / "to_rank.jsonl")
        return None
    records = cast("list[Ranking]", read(labelled, kind="ranking").records)
    ranked = [record for record in records if record.rankings]
    if not ranked:
        raise ConfigError("holds no labels", where=str(labelled), remedy="label to_rank.jsonl and export the rankings")
    return freeze(ranked, Path(config.out) / "data" / "rankings")


def write_work(config: LoopConfig, policy: str, path: Path) -> None:
    """Write the policy's answers as ranking records without labels, for `tunesmith label add`."""
    model, _ = open_model(policy)
    asked: list[Prompt] = prompts(config.rank_prompts, seed=config.seed + RANK, split="train")
    texts = answers_to_rank(config, model, asked, seed=config.seed).texts
    records = rankings_of(asked, texts, [], labels_each=0, models=ranked_names(config), seed=config.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(records, path, format="ranking")


def _how(config: LoopConfig) -> MeasureConfig:
    return MeasureConfig(temperature=config.eval_temperature, max_tokens=config.max_tokens, seed=config.seed)


def quality(config: LoopConfig, policy: str, start: str = "") -> tuple[Rate, Rate | None]:
    """Return the share of held-out tasks that a policy solves and how often it is preferred to the model at the start.

    By the gold judge, on the same prompts in every round. The second is None where the policy is the start.
    """
    asked: list[Prompt] = prompts(config.eval_prompts, seed=QUALITY, split="test")
    models = {"policy": policy} | ({"start": start} if start else {})
    pairs = [Versus("policy", "start")] if start else []
    measured = measure_desk(models, asked, [], pairs, _how(config))
    solved = measured.models["policy"].success or wilson(0, len(asked))
    return solved, measured.win_rates[pairs[0].name].gold if pairs else None


def compared(config: LoopConfig, before: str, candidate: str) -> WinRateResult:
    """Return the candidate's win rate over the policy before it, on prompts that no other round's decision used."""
    asked: list[Prompt] = prompts(config.eval_prompts, seed=config.seed + EVALUATE, split="test")
    pair = Versus("candidate", "before")
    found = measure_desk({"before": before, "candidate": candidate}, asked, [], [pair], _how(config))
    return found.win_rates[pair.name]


def score_changes(config: LoopConfig, before: str, candidate: str) -> tuple[Rate, Rate]:
    """Return how reward-model score and gold score changed, paired by held-out prompt, with 95 % intervals."""
    policy, _ = open_model(before)
    reward, _ = open_model(str(Path(config.out) / "reward" / "model"), classifier=True)
    probe = Probe(config, policy, reward)
    first, second = (probe.scores(probe.sample(model, CHANGE_SAMPLES)) for model in (policy, open_model(candidate)[0]))
    proxy, gold = ((after.mean(1) - old.mean(1)).tolist() for old, after in zip(first, second, strict=True))
    return tuple(cluster_bootstrap([[d] for d in change], seed=config.seed) for change in (proxy, gold))  # type: ignore[return-value]
