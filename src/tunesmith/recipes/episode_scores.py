"""A reward model's scores of a policy's episodes: of their tokens, or of their texts in its own tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, groupby
from typing import Literal

import torch
from torch import Tensor

from tunesmith.algorithms.reward_model import score_sequences, score_trees
from tunesmith.algorithms.rollout import Episode, ScoreEpisodes
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Message
from tunesmith.data.batch import TokenTree
from tunesmith.model.load import LanguageModel, frozen
from tunesmith.model.same_tokens import require_same_tokens
from tunesmith.recipes.stage import Stage

Reads = Literal["tokens", "text"]
READS = (
    "tokens: the reward model is given the policy's tokens; text: it is given prompt and answer as text, in its own "
    "template and tokens, so that any reward model can judge (with PPO: ppo.value_model=shared)"
)


def open_reward_model(stage: Stage, name: str, policy: LanguageModel, *, same_tokens: bool = True) -> LanguageModel:
    """Return the frozen reward model.

    Raises:
        ConfigError: none given; or, with `same_tokens`, it reads another vocabulary or chat template than the policy
            writes.
    """
    if not name:
        raise ConfigError("no reward model", where="reward_model", remedy="give one made by `tunesmith train reward`")
    reward = stage.open(name, role="reward_model", classifier=True)
    if same_tokens:
        text = "--set reward_reads=text (PPO: and --set ppo.value_model=shared)"
        remedy = f"train the reward model from this policy's SFT model, or let it read text: {text}"
        require_same_tokens(policy, reward, role="reward model", where="reward_model", remedy=remedy)
    return frozen(reward)


def scorer(
    reward: LanguageModel,
    policy: LanguageModel,
    prompts: Mapping[str, Sequence[Message]],
    *,
    reads: Reads,
    micro_batch_tokens: int,
) -> ScoreEpisodes:
    """Return the function that scores episodes with the calibrated reward model. `prompts`: messages by episode key."""
    if reads == "tokens":
        return lambda episodes: score_sequences(
            reward.network, [e.sequence() for e in episodes], micro_batch_tokens=micro_batch_tokens
        )
    template, written = reward.chat_template(), policy.chat_template()

    def answer(episode: Episode) -> list[int]:
        text = written.completion_text(episode.completion)
        # What was cut off stays without the token that ends it; an empty answer has nothing else to be read at.
        return template.render_completion(text, finished=episode.finished or not text)

    def score(episodes: Sequence[Episode]) -> Tensor:
        """Episodes of one prompt stand beside each other, and share it."""
        trees = [
            TokenTree(template.render_prompt(prompts[key]), [answer(e) for e in group], key)
            for (_, key), group in groupby(episodes, key=lambda e: (e.group, e.key))
        ]
        found = score_trees(reward.network, trees, micro_batch_tokens=micro_batch_tokens)
        return torch.tensor(list(chain.from_iterable(found)))

    return score
