"""Gold score against proxy score over KL (Gao et al. 2022, arXiv 2210.10760): where does optimisation turn bad?

Two ways of optimising against the same reward model: best-of-n of the SFT model's own samples, whose KL is known in
closed form, and PPO without a KL penalty, probed while it runs. The desk's judge is the gold score; it trained nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from tunesmith.algorithms.ppo.settings import KLSettings
from tunesmith.algorithms.reward_model import score_trees
from tunesmith.algorithms.rollout import completion_logprobs, episodes_of
from tunesmith.core.errors import DataError
from tunesmith.core.records import Prompt
from tunesmith.core.run_context import RunContext
from tunesmith.data.batch import TokenTree
from tunesmith.desk import judge, prompts
from tunesmith.evaluate.curves import read_curves
from tunesmith.evaluate.overoptimisation import OveroptimisationPoint, fit
from tunesmith.evaluate.results import OveroptimisationResult
from tunesmith.losses.kl import best_of_n_kl, best_of_n_value, k1
from tunesmith.model.generate import Sampling
from tunesmith.model.load import LanguageModel
from tunesmith.recipes import ppo
from tunesmith.recipes.answer import Answers, answer
from tunesmith.recipes.quickstart_config import QuickstartConfig
from tunesmith.recipes.quickstart_parts import CURVE, ppo_config
from tunesmith.recipes.stage import open_model

PROMPTS, SAMPLES, PROBES = 120, 16, 8


class Probe:
    """Measures a policy on fixed held-out prompts: mean proxy score, gold score, and KL from the SFT model."""

    def __init__(self, config: QuickstartConfig, sft: LanguageModel, reward: LanguageModel) -> None:
        self._prompts: list[Prompt] = prompts(PROMPTS, seed=config.seed + CURVE, split="test")
        self._sft = sft
        self._reward = reward
        self._sampling = Sampling(max_tokens=config.max_tokens, seed=config.seed)

    def scores(self, answers: Answers) -> tuple[Tensor, Tensor]:
        """Return proxy and gold scores (prompts, completions)."""
        template = self._sft.chat_template()
        trees = [
            TokenTree(template.render_prompt(p.messages), [g.ids for g in row], str(i))
            for i, (p, row) in enumerate(zip(self._prompts, answers.generated, strict=True))
        ]
        proxy = torch.tensor(score_trees(self._reward.network, trees))
        gold = [[judge(p, t).score for t in texts] for p, texts in zip(self._prompts, answers.texts, strict=True)]
        return proxy, torch.tensor(gold)

    def sample(self, model: LanguageModel, completions: int) -> Answers:
        """Return the model's completions of the probe's prompts, at temperature 1."""
        template = self._sft.chat_template()
        return answer(model, self._prompts, template, self._sampling, completions=completions)

    def measure(self, policy: LanguageModel) -> dict[str, float]:
        """Return `validation/proxy`, `validation/gold` and `validation/kl` (nats a completion)."""
        answers = self.sample(policy, 1)
        proxy, gold = self.scores(answers)
        template = self._sft.chat_template()
        asked = [(template.render_prompt(p.messages), str(i)) for i, p in enumerate(self._prompts)]
        episodes = episodes_of(asked, answers.generated)
        ours, theirs = (
            completion_logprobs(m.network, episodes, temperature=1.0, micro_batch_tokens=4096)
            for m in (policy, self._sft)
        )
        kl = float(k1(ours, theirs).sum()) / len(episodes)
        return {"validation/proxy": float(proxy.mean()), "validation/gold": float(gold.mean()), "validation/kl": kl}


def overoptimisation(config: QuickstartConfig, policy: str, context: RunContext) -> dict[str, OveroptimisationResult]:
    """Return both curves, each with Gao's fit where the points allow one."""
    sft, _ = open_model(policy)
    reward, _ = open_model(str(Path(config.out) / "reward" / "model"), classifier=True)
    probe = Probe(config, sft, reward)
    proxy, gold = probe.scores(probe.sample(sft, SAMPLES))
    start_proxy, start_gold = float(proxy.mean()), float(gold.mean())
    best = []
    for n in (1, 2, 4, 8, SAMPLES):
        gained = [float(best_of_n_value(proxy, values, n).mean()) for values in (proxy, gold)]
        best.append(OveroptimisationPoint(best_of_n_kl(n), gained[0] - start_proxy, gained[1] - start_gold))
    stage = ppo_config(config, None, policy, mixed=None)
    steps = stage.ppo.iterations * stage.ppo.steps_per_iteration
    free = stage.model_copy(
        update={
            "out": str(Path(config.out) / "ppo_without_kl"),
            "kl": KLSettings(kl_coef=0.0),
            "engine": stage.engine.model_copy(update={"validate_every": max(1, steps // PROBES)}),
        }
    )
    ppo.run(free, context, probe=probe.measure)
    names = ["validation/kl", "validation/proxy", "validation/gold"]
    curves = read_curves(Path(free.out) / "metrics.jsonl", names)
    kls, proxies, golds = ([value for _, value in curves[name]] for name in names)
    rows = [
        OveroptimisationPoint(kl, p - start_proxy, g - start_gold) for kl, p, g in zip(kls, proxies, golds, strict=True)
    ]
    return {"best_of_n": _fitted(best, "best_of_n"), "rl": _fitted([OveroptimisationPoint(0.0, 0.0, 0.0), *rows], "rl")}


def _fitted(points: Sequence[OveroptimisationPoint], method: str) -> OveroptimisationResult:
    try:
        fitted = fit(points, "rl" if method == "rl" else "best_of_n")
    except (DataError, RuntimeError):  # too few points, or no convergence: the points are shown without a curve
        fitted = None
    return OveroptimisationResult.of(list(points), fitted)
