"""Rankings become what the reward model's batches are made of: token trees with their orders and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from tunesmith.algorithms.reward_model import RankedTree, orders_of
from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import did_you_mean
from tunesmith.core.records import Comparison, Completion, Ranking, RankingLabel
from tunesmith.data.batch import TokenTree
from tunesmith.text.chat_template import ChatTemplate
from tunesmith.text.render import RenderReport, render_trees


def as_ranking(record: Ranking | Comparison) -> Ranking:
    """Return a comparison as a ranking of two."""
    if isinstance(record, Ranking):
        return record
    label = RankingLabel(labeler=str(record.meta.get("labeler", "")), order=(("chosen",), ("rejected",)))
    completions = (Completion(id="chosen", text=record.chosen), Completion(id="rejected", text=record.rejected))
    return Ranking(messages=record.messages, completions=completions, rankings=(label,), meta=record.meta)


def ranked_rows(
    records: Sequence[Ranking], template: ChatTemplate, max_length: int, weights: Mapping[str, float] | None = None
) -> tuple[list[RankedTree], RenderReport]:
    """Return token trees with their orders, each with its labeler's weight (1 where none is given); and a report."""
    rendered, report = render_trees(records, template, max_length=max_length)
    rows = []
    for r in rendered:
        counts = tuple((weights or {}).get(label.labeler, 1.0) for label in cast(Ranking, r.record).rankings)
        tree = TokenTree(r.prompt, r.completions, r.key)
        rows.append(RankedTree(tree, orders_of(r.record), weights=counts))
    return rows, report


def require_labelers(weights: Mapping[str, float], records: Sequence[Ranking]) -> None:
    """Check that everybody who is given a weight has ranked something.

    Raises:
        ConfigError: somebody has not.
    """
    known = {label.labeler for record in records for label in record.rankings}
    for name in weights:
        if name not in known:
            raise ConfigError(f"no ranking is by {name!r}", where="labeler_weights", remedy=did_you_mean(name, known))
