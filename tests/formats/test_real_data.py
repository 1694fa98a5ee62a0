"""What real files of public data sets give. Skipped where they are absent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.core.records import Demonstration, kind_of
from tunesmith.formats import read
from tunesmith.formats.comparisons import comparisons

pytestmark = pytest.mark.real_data

EXPECTED = [
    (
        "hh_rlhf_test/helpful-base.test.jsonl.gz",
        "hh-rlhf",
        {"comparison": 2339},
        {"does not share": 9, "is empty": 4, "equals": 2},
    ),
    ("hh_rlhf_test/harmless-base.test.jsonl.gz", "hh-rlhf", {"comparison": 2303}, {"does not share": 5, "is empty": 4}),
    ("llamafactory_demos/alpaca_en_demo.json", "alpaca", {"demonstration": 999}, {}),
    ("llamafactory_demos/identity.json", "alpaca", {"demonstration": 91}, {}),
    ("llamafactory_demos/dpo_en_demo.json", "sharegpt-preference", {"comparison": 300}, {}),
    ("llamafactory_demos/kto_en_demo.json", "kto", {"demonstration": 150, "prompt": 150}, {}),
    ("oasst_samples/en_trees_dev60.jsonl", "oasst", {"demonstration": 60, "ranking": 122}, {}),
    ("oasst_samples/realistic_seed_data.json", "oasst", {"demonstration": 1282}, {}),
    ("oasst_samples/prompt_lottery_en_250_text.jsonl", "trl-prompt-only", {"prompt": 250}, {}),
    ("pandalm/testset-v1.json", "pandalm", {"ranking": 939}, {"is empty": 54, "not bool": 6}),
    ("self_instruct/seed_tasks.jsonl", "self-instruct", {"demonstration": 175}, {}),
    ("superni_permissive/instances.jsonl.gz", "super-ni", {"demonstration": 10700}, {}),
    ("gsm8k/test.jsonl", "question-answer", {"demonstration": 1319}, {}),
    ("truthfulqa/TruthfulQA.csv", "csv", {"demonstration": 790}, {}),
    ("banking77/train.csv", "csv", {"document": 10003}, {}),
    ("awesome_prompts/prompts.csv", "csv", {"prompt": 1011}, {}),
]


@pytest.mark.parametrize(("name", "format", "kinds", "reasons"), EXPECTED, ids=[row[0] for row in EXPECTED])
def test_real_file(
    real: Callable[[str], Path], name: str, format: str, kinds: dict[str, int], reasons: dict[str, int]
) -> None:
    result = read(real(name))
    assert result.format == format
    assert Counter(kind_of(record) for record in result.records) == kinds
    found = Counter(next((r for r in reasons if r in bad.reason), bad.reason) for bad in result.quarantined)
    assert found == reasons


def test_pandalm_has_three_labelers_and_two_kinds_of_answer(real: Callable[[str], Path]) -> None:
    rankings = read(real("pandalm/testset-v1.json")).records
    assert {len(record.rankings) for record in rankings} == {3}  # type: ignore[union-attr]
    pairs = sum(len(comparisons(record)) for record in rankings)  # type: ignore[arg-type]
    assert 0 < pairs < 3 * len(rankings)


def test_super_ni_prompts_begin_with_their_definition(real: Callable[[str], Path]) -> None:
    path = real("superni_permissive/instances.jsonl.gz")
    real("superni_permissive/tasks.jsonl")
    lengths = [len(r.messages[0].content) for r in read(path).records if isinstance(r, Demonstration)]
    assert min(lengths) > 40


def test_a_table_of_texts_is_prompts_where_one_says_so(real: Callable[[str], Path]) -> None:
    result = read(real("banking77/train.csv"), kind="prompt")
    assert Counter(kind_of(record) for record in result.records) == {"prompt": 10003}
    assert result.records[0].meta["category"] == "card_arrival"
