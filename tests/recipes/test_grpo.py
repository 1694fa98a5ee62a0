"""GRPO as a whole run: with scorer functions and with a reward model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
import torch

from tests.small_runs import ENGINE, GRPO, Workshop, prompts
from tunesmith.algorithms.rollout import Episode
from tunesmith.algorithms.scorers import exact_match
from tunesmith.core.records import Prompt
from tunesmith.core.run_context import RunContext
from tunesmith.model.load import load_model
from tunesmith.recipes.grpo import Config, make_score
from tunesmith.recipes.stage import Stage


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("grpo"))


@pytest.mark.slow
def test_brevity_is_learned(workshop: Workshop) -> None:
    sizes = {**GRPO, "total_prompts": 120, "prompts_per_rollout": 8, "prompts_per_step": 8, "max_tokens": 12}
    engine = {**ENGINE, "optimizer": {"learning_rate": 1e-2}}
    workshop.run("grpo", "brief", grpo={**sizes, "group_size": 6, "kl_coef": 0.0}, engine=engine)
    rows = [row for row in workshop.metrics("brief") if "grpo/score" in row]
    assert rows[-1]["grpo/score"] > rows[0]["grpo/score"] + 0.02
    assert rows[0]["grpo/kl"] == pytest.approx(0, abs=1e-5)


def test_a_reward_model_scores_as_in_ppo(workshop: Workshop) -> None:
    result = workshop.run("grpo", "scored", reward_model=workshop.reward_model(), scorers=())
    assert result.summary["steps"] == 6
    assert all(torch.isfinite(t).all() for t in workshop.weights("scored").values())


def test_scorers_are_summed_and_an_unknown_part_makes_the_whole_unknown(workshop: Workshop) -> None:
    """They read the text without its stop token, and the prompt's own record."""
    policy = load_model(Path(workshop.chat_model()))
    config = Config(**{**workshop.settings("grpo"), "scorers": ("exact_match", "valid_json"), "out": "x"})
    records = prompts(2)
    stage = Stage("grpo", config, RunContext())
    score = make_score(stage, config, policy, {"a": records[1], "b": Prompt(messages=records[0].messages)})
    template = policy.chat_template()

    def episode(text: str, key: str) -> Episode:
        return Episode([5], template.render_completion(text), True, 0, key)

    answer = str(records[1].meta["answer"])
    found = score(cast("Sequence[Episode]", [episode(answer, "a"), episode("no", "a"), episode(answer, "b")]))
    assert exact_match(records[1], answer) == 1.0
    assert found[:2].tolist() == [2.0, 0.0] and bool(found[2].isnan())
