"""Whether the last number of a solution is the right one (GSM8K's exact match)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from tunesmith.evaluate.scorer import Measure, Response, Values, require_written

_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?|-?\$?\.\d+")


def final_number(text: str) -> Decimal | None:
    """Return the number after the last "####", else the last number in the text; None where there is none."""
    _, mark, after = text.rpartition("####")
    found = _NUMBER.findall(after)
    if not found:
        return None
    written = found[0] if mark else found[-1]
    try:
        return Decimal(written.replace("$", "").replace(",", ""))
    except InvalidOperation:
        return None


class FinalNumber:
    """Exact match of the final number; a completion without a number is wrong, and counted apart."""

    name = "final number"
    measures: Sequence[Measure] = (
        Measure("exact", "exact final number", primary=True),
        Measure("has_number", "gives a number"),
    )

    def score(self, target: Mapping[str, Any], response: Response) -> Values:
        """Return whether each completion's number equals the reference's, as numbers: 18 is 18.00."""
        wanted = final_number(str(target["answer"]))
        found = [final_number(text) for text in require_written(response).texts]
        return {
            "exact": [float(number is not None and number == wanted) for number in found],
            "has_number": [float(number is not None) for number in found],
        }
