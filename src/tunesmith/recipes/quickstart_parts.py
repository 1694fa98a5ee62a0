"""The quickstart's steps between stages: filling in configurations, collecting rankings, measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tunesmith.core.records import Demonstration, Prompt, Ranking
from tunesmith.desk import demonstrations, documents, examples, labelers, prompts
from tunesmith.evaluate.desk_eval import Versus
from tunesmith.model.generate import Sampling
from tunesmith.recipes import ppo, reward, sft
from tunesmith.recipes.answer import answer
from tunesmith.recipes.asking import MeasureConfig, Plainly
from tunesmith.recipes.clock import Clock
from tunesmith.recipes.measure import Measured, measure_desk, measure_plain
from tunesmith.recipes.own_data import OwnData
from tunesmith.recipes.quickstart_config import QuickstartConfig
from tunesmith.recipes.rank import answers_to_rank, ranked_names, rankings_of
from tunesmith.recipes.records import CHARACTERS_A_DOCUMENT
from tunesmith.recipes.reward_measures import Groups, measure_reward_model
from tunesmith.recipes.stage import open_model
from tunesmith.store import Snapshot, freeze

StageT = TypeVar("StageT", sft.Config, reward.Config, ppo.Config)

# Each use of the desk draws with a seed of its own, so that no stage sees another's prompts.
RANK, ROLL_OUT, MIX, EVALUATE, TEXT, CURVE = 1, 2, 3, 4, 1_000, 5
PROMPTED = ("base_prompted", "base_large")  # asked in plain text, as InstructGPT's prompted GPT-3


def stage_config(config: QuickstartConfig, stage: StageT, *, model: str, data: Snapshot, name: str) -> StageT:
    """Return a stage's configuration with what the loop decides filled in."""
    place = {"model": model, "data": (str(data.directory),), "out": str(Path(config.out) / name), "seed": config.seed}
    return stage.model_copy(update=place)


def drawn_demonstrations(config: QuickstartConfig) -> list[Demonstration]:
    """Return the desk's demonstrations that SFT learns from."""
    return demonstrations(config.sft_rows, seed=config.seed, split="train", emphasis=config.sft_emphasis)


def ppo_config(config: QuickstartConfig, own: OwnData | None, policy: str, *, mixed: str | None) -> ppo.Config:
    """Return PPO's configuration; `mixed` is the pretraining text, None leaves the pretraining term away."""
    out = Path(config.out)
    asked = own.prompts if own else prompts(config.ppo_prompts, seed=config.seed + ROLL_OUT, split="train")
    rows = freeze(asked, out / "data" / "prompts")
    stage = stage_config(config, config.ppo, model=policy, data=rows, name="ppo_ptx" if mixed else "ppo")
    settings = stage.ppo.model_copy(update={"max_tokens": config.max_tokens})
    mix = {"ptx_data": (mixed,)} if mixed else {"ptx": stage.ptx.model_copy(update={"ptx_coef": 0.0})}
    return stage.model_copy(update={**mix, "reward_model": str(out / "reward" / "model"), "ppo": settings})


def sft_config(config: QuickstartConfig, own: OwnData | None, data: Snapshot, *, mixed: str) -> sft.Config:
    """Return SFT's configuration; the desk's documents are mixed in, your own demonstrations stand alone."""
    stage = stage_config(config, config.sft, model=config.model, data=data, name="sft")
    return stage if own else stage.model_copy(update={"ptx_data": (mixed,)})


def pretraining_text(config: QuickstartConfig, own: OwnData | None) -> str:
    """Return the snapshot of pretraining text that SFT and PPO-ptx mix in."""
    size = config.ptx_rows * CHARACTERS_A_DOCUMENT
    texts = own.documents() if own else list(documents(size, seed=config.seed + MIX))
    return str(freeze(texts, Path(config.out) / "data" / "pretraining").directory)


def collect_rankings(
    config: QuickstartConfig, policy: str, own: OwnData | None, clock: Clock
) -> tuple[Snapshot, list[Ranking]]:
    """Return rankings to train on, frozen, and rankings of held-out prompts (or held-out rows of your own)."""
    folder = Path(config.out) / "data"
    if own and own.rankings:
        return freeze(own.rankings, folder / "rankings"), own.heldout_rankings
    model, _ = open_model(policy)
    template = model.chat_template()
    if own:
        answers = answer(model, own.prompts, template, Sampling(max_tokens=config.max_tokens, seed=config.seed))
        return freeze(own.against(answers.first_texts()), folder / "rankings"), own.heldout_rankings
    parts: list[list[Ranking]] = []
    for heldout, n in ((False, config.rank_prompts), (True, config.heldout_rank_prompts)):
        asked: list[Prompt] = prompts(n, seed=config.seed + RANK, split="test" if heldout else "train")
        answers = answers_to_rank(config, model, asked, seed=config.seed + heldout)
        clock.tokens(sum(len(g.ids) for row in answers.generated for g in row))
        # Held-out prompts are ranked by everybody, so that accuracy and agreement can be told apart by group.
        crew = labelers(heldout=False) + (labelers(heldout=True) if heldout else [])
        each = len(crew) if heldout else config.labels_per_prompt
        parts.append(
            rankings_of(asked, answers.texts, crew, labels_each=each, models=ranked_names(config), seed=config.seed)
        )
    freeze(parts[1], folder / "heldout_rankings")
    return freeze(parts[0], folder / "rankings"), parts[1]


def measure(
    config: QuickstartConfig, models: Mapping[str, str], heldout: Sequence[Ranking], own: OwnData | None
) -> Measured:
    """Return every model's numbers on held-out prompts."""
    how = MeasureConfig(
        temperature=config.eval_temperature, max_tokens=config.max_tokens, seed=config.seed, plain=config.prompted
    )
    shown = Plainly(names=PROMPTED, examples=own.demonstrations if own else examples(seed=config.seed))
    if own:
        measured = measure_plain(models, own.heldout_demonstrations, how, shown)
    else:
        asked = prompts(config.eval_prompts, seed=config.seed + EVALUATE, split="test")
        texts = list(documents(config.eval_documents * CHARACTERS_A_DOCUMENT, seed=config.seed + TEXT))
        names = [
            ("ppo_ptx", "sft"),
            ("sft", "base"),
            *(("ppo_ptx", name) for name in models if name.startswith("base")),
        ]
        names += [("ppo", "sft"), ("ppo_ptx", "ppo")] if config.full else []
        measured = measure_desk(models, asked, texts, [Versus(a, b) for a, b in names], how, shown)
    groups = None if own else Groups(*([one.id for one in labelers(heldout=h)] for h in (False, True)))
    measured.reward_model = measure_reward_model(str(Path(config.out) / "reward" / "model"), heldout, how, groups)
    return measured
