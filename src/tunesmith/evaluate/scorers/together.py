"""Several scorers over the same response, their measures side by side; the first one's first measure is primary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tunesmith.evaluate.scorer import Measure, Response, Scorer, Values


class Together:
    """All values of all scorers; measures of two scorers must have different names."""

    def __init__(self, scorers: Sequence[Scorer]) -> None:
        self._scorers = tuple(scorers)
        self.name = ", ".join(scorer.name for scorer in scorers)
        found = [measure for scorer in scorers for measure in scorer.measures]
        self.measures: Sequence[Measure] = tuple(replace(m, primary=i == 0) for i, m in enumerate(found))

    def score(self, target: Any, response: Response) -> Values:
        """Return every scorer's values."""
        return {name: values for scorer in self._scorers for name, values in scorer.score(target, response).items()}
