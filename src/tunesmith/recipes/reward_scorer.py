"""A reward model as the scorer of a teacher's answers."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.algorithms.reward_model import score_trees
from tunesmith.core.records import Message
from tunesmith.data.batch import TokenTree
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.stage import open_model

_MICRO_BATCH_TOKENS = 4096


class RewardScorer:
    """Scores completions with a reward model's folder or run."""

    def __init__(self, folder: str) -> None:
        self._model, path = open_model(model_folder(folder), classifier=True)
        self._template = self._model.chat_template()
        self.name = str(path)

    def score(self, prompt: Sequence[Message], completions: Sequence[str]) -> list[float]:
        """Return the reward model's score of each completion."""
        ids = [self._template.render_completion(text) for text in completions]
        tree = TokenTree(self._template.render_prompt(prompt), ids, "")
        [scores] = score_trees(self._model.network, [tree], micro_batch_tokens=_MICRO_BATCH_TOKENS)
        return [float(score) for score in scores]
