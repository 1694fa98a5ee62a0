from __future__ import annotations

from decimal import Decimal

import pytest

from tunesmith.evaluate.scorer import Written
from tunesmith.evaluate.scorers.final_number import FinalNumber, final_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("She earns 9 * 2 = $18 a day.", Decimal(18)),
        ("... so 7\n#### 1,234.50 dollars in 3 days", Decimal("1234.50")),
        ("It is -5.", Decimal(-5)),
        ("the answer is .5", Decimal("0.5")),
        ("none at all", None),
    ],
)
def test_the_last_number_counts(text, number):
    assert final_number(text) == number


def test_numbers_are_compared_as_numbers():
    values = FinalNumber().score({"answer": "18"}, Written(("18.00", "17", "eighteen"), (True, True, True)))
    assert values == {"exact": [1.0, 0.0, 0.0], "has_number": [1.0, 1.0, 0.0]}
