"""What a reward model says of rankings that it was not trained on, and how often people say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from tunesmith.algorithms.reward_model import score_trees
from tunesmith.core.records import Ranking
from tunesmith.data.batch import TokenTree
from tunesmith.evaluate.calibration import calibration
from tunesmith.evaluate.results import Reliability, RewardModelResult
from tunesmith.evaluate.reward_accuracy import margins, reward_accuracy, shared_margins
from tunesmith.model.load import LanguageModel
from tunesmith.recipes.stage import open_model
from tunesmith.statistics.agreement import labeler_agreement
from tunesmith.text.render import render_trees


class Fits(Protocol):
    """What scoring needs to know of a configuration."""

    @property
    def max_length(self) -> int:
        """Tokens of prompt and completion together."""

    @property
    def micro_batch_tokens(self) -> int:
        """Tokens in one forward pass."""


class Seeded(Fits, Protocol):
    """What measuring needs to know besides."""

    @property
    def seed(self) -> int:
        """Of the intervals."""


def score_rankings(
    model: LanguageModel, records: Sequence[Ranking], config: Fits
) -> tuple[list[Ranking], list[dict[str, float]]]:
    """Return the rankings that fit, and the score of each of their completions by id."""
    rendered, _ = render_trees(records, model.chat_template(), max_length=config.max_length)
    trees = [TokenTree(r.prompt, r.completions, r.key) for r in rendered]
    scores = score_trees(model.network, trees, micro_batch_tokens=config.micro_batch_tokens)
    kept = [cast(Ranking, r.record) for r in rendered]
    by_id = [dict(zip((c.id for c in r.completions), s, strict=True)) for r, s in zip(kept, scores, strict=True)]
    return kept, by_id


def measure(model: LanguageModel, records: Sequence[Ranking], config: Fits, *, seed: int) -> dict[str, object]:
    """Return held-out pairwise accuracy with its interval, the same by labeler, and the calibration error."""
    kept, scores = score_rankings(model, records, config)
    pairs = margins(kept, scores) if kept else []
    if not pairs:
        return {}
    measured: dict[str, object] = {
        "accuracy": reward_accuracy(pairs, seed=seed).rate.to_json(),
        "calibration_error": calibration(pairs, seed=seed).error,
        "pairs": len(pairs),
    }
    names = sorted({label.labeler for ranking in kept for label in ranking.rankings})
    if len(names) > 1:
        own = {name: margins(kept, scores, labelers=(name,)) for name in names}
        measured["accuracy_by_labeler"] = {
            name: reward_accuracy(found, seed=seed).rate.to_json() for name, found in own.items() if found
        }
    return measured


def logged(measured: dict[str, object]) -> dict[str, float]:
    """Return of what `measure` found the number that is logged while training; nothing where nothing was found."""
    accuracy = cast("dict[str, float]", measured.get("accuracy", {}))
    return {"validation/accuracy": accuracy["value"]} if accuracy else {}


class Groups(NamedTuple):
    """Who ranked: the labelers behind the training data, and those kept for measuring."""

    training: list[str]
    heldout: list[str]


def measure_reward_model(
    folder: str, rankings: Sequence[Ranking], config: Seeded, groups: Groups | None
) -> RewardModelResult | None:
    """Return accuracy, agreement and calibration on prompts that nobody trained on; None when there are no pairs.

    With `groups`, accuracy is against the training labelers, and calibration against the held-out ones.
    """
    if not rankings:
        return None
    model, _ = open_model(folder, classifier=True)
    kept, scores = score_rankings(model, rankings, config)
    pairs = margins(kept, scores, labelers=groups.training if groups else None)
    if not pairs:
        return None
    others = margins(kept, scores, labelers=groups.heldout) if groups else pairs
    calibrated = calibration(others, seed=config.seed)
    found = RewardModelResult(
        accuracy=reward_accuracy(pairs, seed=config.seed).rate,
        calibration_error=calibrated.error,
        reliability=[Reliability.of(row) for row in calibrated.bins],
    )
    if groups is None:
        return found
    shared = shared_margins(kept, scores, labelers=groups.heldout)
    more = {
        "accuracy_heldout_labelers": reward_accuracy(others, seed=config.seed).rate,
        "accuracy_shared_pairs": reward_accuracy(shared, seed=config.seed).rate if shared else None,
        "labeler_agreement": labeler_agreement(kept, seed=config.seed, labelers=groups.heldout).rate,
        "labeler_agreement_training": labeler_agreement(kept, seed=config.seed, labelers=groups.training).rate,
    }
    return found.model_copy(update=more)
