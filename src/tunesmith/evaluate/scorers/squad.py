"""SQuAD 2.0's F1 and exact match: a question without an answer is right only where no answer is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.evaluate.scorer import Measure, Response, Values, require_written
from tunesmith.evaluate.scorers.token_f1 import exact_match, normalised, token_f1

NO_ANSWER = frozenset({"", "not in background", "unanswerable", "no answer"})


class SquadAnswers:
    """F1 and exact match, the maximum over the reference answers, and how often "no answer" is said."""

    name = "squad2"
    measures: Sequence[Measure] = (
        Measure("f1", "F1", primary=True),
        Measure("exact", "exact match"),
        Measure("says_no_answer", "says that there is no answer", higher_is_better=None),
    )

    def score(self, target: Mapping[str, Any], response: Response) -> Values:
        """Return the three values of the completion."""
        [text] = require_written(response).texts
        silent = normalised(text) in NO_ANSWER
        said = "" if silent else text
        references = target["answers"] or [""]
        return {
            "f1": [max(token_f1(said, reference) for reference in references)],
            "exact": [max(exact_match(said, reference) for reference in references)],
            "says_no_answer": [float(silent)],
        }
