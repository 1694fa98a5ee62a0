"""A reward model reads the policy's tokens only if they are its own, and the policy's texts otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.small_runs import GRPO, PPO, Workshop, prompts
from tunesmith.algorithms.reward_model import score_sequences
from tunesmith.algorithms.rollout import Episode
from tunesmith.core.errors import ConfigError
from tunesmith.data.batch import TokenSequence
from tunesmith.model.load import LanguageModel, load_model
from tunesmith.recipes.episode_scores import Reads, scorer

ASKED = {str(n): prompt.messages for n, prompt in enumerate(prompts(3))}
ANSWERS = [("0", "The lamp is 5.", True), ("0", "No", False), ("1", "I do not know.", True), ("2", "", True)]


class Scene(Workshop):
    """With a reward model whose tokens are others, as many as the policy has."""

    def other_reward_model(self) -> str:
        if not (self.folder / "other-reward").is_dir():
            shape = {"vocab_size": 321, "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}
            self.run("pretrain", "other-base", max_steps=1, architecture=shape)
            self.run("sft", "other-sft", model=str(self.folder / "other-base" / "model"), max_steps=1)
            self.run("reward", "other-reward", model=str(self.folder / "other-sft" / "model"), max_steps=1)
        return str(self.folder / "other-reward" / "model")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scores"))


def opened(folder: str, *, classifier: bool = False) -> LanguageModel:
    return load_model(Path(folder), classifier=classifier)


def episodes(policy: LanguageModel) -> list[Episode]:
    template = policy.chat_template()
    return [
        Episode(template.render_prompt(ASKED[key]), template.render_completion(text, finished=end), end, int(key), key)
        for key, text, end in ANSWERS
    ]


def scores(reward: LanguageModel, policy: LanguageModel, reads: Reads) -> torch.Tensor:
    return scorer(reward, policy, ASKED, reads=reads, micro_batch_tokens=64)(episodes(policy))


def test_tokens_and_texts_score_alike_where_the_tokens_are_the_same(scene: Scene) -> None:
    policy, reward = opened(scene.chat_model()), opened(scene.reward_model(), classifier=True)
    by_tokens, by_text = scores(reward, policy, "tokens"), scores(reward, policy, "text")
    torch.testing.assert_close(by_text, by_tokens, atol=1e-5, rtol=0)
    assert len(set(by_tokens.tolist())) == len(ANSWERS)


def test_another_vocabulary_reads_the_same_texts(scene: Scene) -> None:
    """As if the reward model had been asked in its own template: the cut answer without the token that ends one."""
    policy, reward = opened(scene.chat_model()), opened(scene.other_reward_model(), classifier=True)
    assert policy.tokenizer.vocab_size == reward.tokenizer.vocab_size, "only the tokens themselves tell them apart"
    own = reward.chat_template()
    ids = [[*own.render_prompt(ASKED[k]), *own.render_completion(text, finished=end)] for k, text, end in ANSWERS]
    wanted = score_sequences(reward.network, [TokenSequence(row, [False] * len(row), "") for row in ids])
    torch.testing.assert_close(scores(reward, policy, "text"), wanted, atol=1e-5, rtol=0)


def test_a_cut_answer_without_a_readable_token_is_read_as_an_empty_one(scene: Scene) -> None:
    policy, reward = opened(scene.chat_model()), opened(scene.other_reward_model(), classifier=True)
    whole = episodes(policy)[-1]
    score = scorer(reward, policy, ASKED, reads="text", micro_batch_tokens=64)
    assert whole.finished
    torch.testing.assert_close(score([whole._replace(completion=[], finished=False)]), score([whole]))


@pytest.mark.parametrize(("stage", "more"), [("ppo", {}), ("grpo", {"scorers": ()})])
def test_tokens_of_another_vocabulary_are_refused(scene: Scene, stage: str, more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="model and reward model have different vocabularies") as refused:
        scene.run(
            stage, "refused", reward_model=scene.other_reward_model(), **({"scorers": ()} if stage == "grpo" else {})
        )
    assert "reward_reads=text" in str(refused.value) and not (scene.folder / "refused").exists()


def test_ppo_and_grpo_learn_from_a_reward_model_with_other_tokens(scene: Scene) -> None:
    other = {"reward_model": scene.other_reward_model(), "reward_reads": "text"}
    scene.run("ppo", "ppo-text", ppo={**PPO, "value_model": "shared"}, **other)
    scene.run("grpo", "grpo-text", scorers=(), grpo=GRPO, **other)
    start = load_file(Path(scene.chat_model()) / "model.safetensors")
    for name, key in (("ppo-text", "ppo/score"), ("grpo-text", "grpo/score")):
        assert any(row.get(key) for row in scene.metrics(name)), "somebody scored"
        assert any(not torch.equal(p, start[n]) for n, p in scene.weights(name).items())


def test_a_value_model_of_its_own_has_to_read_the_policys_tokens(scene: Scene) -> None:
    """It starts as the reward model's copy."""
    with pytest.raises(ConfigError, match="different vocabularies") as refused:
        scene.run("ppo", "refused", reward_model=scene.other_reward_model(), reward_reads="text")
    assert "ppo.value_model=shared" in str(refused.value)
