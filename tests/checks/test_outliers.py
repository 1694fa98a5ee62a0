from __future__ import annotations

import random

import numpy as np
import pytest

from tests.checks.dividing import asked, result, rows_of, same_however_divided
from tunesmith.checks.outliers import Outliers, ScoreOutliers
from tunesmith.checks.robust import OutlierRule
from tunesmith.core.records import Demonstration, Document

SHOP = [
    "order",
    "parcel",
    "refund",
    "delivery",
    "return",
    "item",
    "shop",
    "price",
    "card",
    "gift",
    "size",
    "colour",
    "stock",
    "coupon",
    "invoice",
]


def shop_rows(n: int, seed: int = 0) -> list[Demonstration]:
    rng = random.Random(seed)
    return [
        asked(" ".join(rng.choices(SHOP, k=rng.randrange(9, 16))), " ".join(rng.choices(SHOP, k=8))) for _ in range(n)
    ]


def kinds(records: list) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for finding in result(Outliers(), rows_of(records)).findings:
        found.setdefault(finding.line, set()).add(finding.check)
    return found


def test_rows_of_one_kind_have_no_outliers() -> None:
    assert kinds(shop_rows(400)) == {}


def test_a_far_too_long_answer_is_a_note() -> None:
    records = shop_rows(200)
    records[50] = asked("order parcel refund delivery return item", " ".join(SHOP * 20))
    [finding] = result(Outliers(), rows_of(records)).findings
    assert (finding.line, finding.check, finding.severity) == (51, "outliers.answer_length", "note")
    assert finding.reason.startswith("the answer has 300 words, the median 8")


def test_rare_words_and_another_subject() -> None:
    records = shop_rows(300)
    records[7] = asked("zxq vbn qwe rty fgh jkl poi uyt lkj", "mnb vcx asd gfd sdf hgf jhg lkk")
    assert {"outliers.rarity", "outliers.distance"} <= kinds(records)[8]
    assert set(kinds(records)) == {8}


def test_a_short_row_is_far_from_nothing() -> None:
    records = shop_rows(300)
    records[7] = asked("order zxq vbn qwe rty fgh jkl", "poi uyt")
    assert "outliers.distance" not in kinds(records).get(8, set())


def test_documents_are_judged_by_their_own_length() -> None:
    records = [Document(text=" ".join(SHOP)) for _ in range(40)] + [Document(text=" ".join(SHOP * 40))]
    found = kinds(records)
    assert found == {41: {"outliers.length"}}


def test_however_the_rows_are_divided() -> None:
    records = shop_rows(300)
    records[7] = asked("zxq vbn qwe rty fgh jkl poi uyt lkj", "mnb vcx asd")
    records[9] = asked("order parcel refund delivery return", " ".join(SHOP * 30))
    assert len(same_however_divided(Outliers(), rows_of(records)).findings) >= 2


def test_few_rows_are_not_judged() -> None:
    outcome = result(Outliers(), rows_of(shop_rows(10)))
    assert outcome.findings == [] and "rarity" not in outcome.numbers


def test_scores_from_elsewhere_by_the_same_rule() -> None:
    rows = rows_of(shop_rows(60))
    scores = {("data.jsonl", line): 20.0 + line % 7 for line in range(1, 60)} | {("data.jsonl", 30): 900.0}
    check = ScoreOutliers("perplexity", "a model", scores, OutlierRule(side="high"))
    outcome = same_however_divided(check, rows)
    assert [(f.line, f.check) for f in outcome.findings] == [(30, "perplexity.outlier")]
    assert outcome.numbers["without_score"] == 1
    assert outcome.numbers["median"] == pytest.approx(np.median([value for value in scores.values()]))
