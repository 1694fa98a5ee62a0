"""Scores that came with the completions: there is nothing to compute again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunesmith.core.errors import DataError
from tunesmith.evaluate.scorer import Measure, Response, Values


class Given:
    """Names the measures of a table; scoring its log again would need the table."""

    name = "scores of the table"

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.measures = tuple(measures)

    def score(self, target: Any, response: Response) -> Values:
        """Refuse: the scores are in the table.

        Raises:
            DataError: always.
        """
        raise DataError("scores that came with a table cannot be computed again", remedy="read the table again")
