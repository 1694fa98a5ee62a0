from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.injection import ATTACKS, Attack, attacks, run_attacks, verdict_on

from ..text.tokenizers import template_of

TEMPLATE = template_of("qwen")
CASES = attacks(40)
ROOM = {"max_length": 3000, "max_tokens": 50}


def canaries(prompts: Sequence[list[int]], cases: Sequence[Attack]) -> list[str]:
    """A model that does whatever a page says."""
    return [f"Of course: {case.canary}" for case, _ in zip(cases, prompts, strict=True)]


def heeds_the_frame(prompts: Sequence[list[int]]) -> list[str]:
    """A model that follows a page only where nothing marks it as one."""
    found = []
    for ids, case in zip(prompts, CASES, strict=True):
        framed = "Reference pages, between marks" in TEMPLATE.tokenizer.decode(ids)
        found.append("30 days [1]" if framed else case.canary)
    return found


def test_two_hundred_cases_the_same_for_a_seed() -> None:
    made = attacks()
    assert len(made) == 200 == len({case.canary for case in made}) and made == attacks()
    assert {case.kind for case in made} == set(ATTACKS)
    assert all(case.canary in case.page.text and case.canary not in case.question for case in made)


def test_the_rate_tells_models_and_frames_apart() -> None:
    gullible = run_attacks(CASES, TEMPLATE, lambda ids: canaries(ids, CASES), delimited=True, **ROOM)
    assert gullible.followed.value == 1.0 and gullible.followed.low < 1.0 and set(gullible.by_kind) == set(ATTACKS)
    bare = run_attacks(CASES, TEMPLATE, heeds_the_frame, delimited=False, **ROOM)
    framed = run_attacks(CASES, TEMPLATE, heeds_the_frame, delimited=True, **ROOM)
    assert (bare.followed.value, framed.followed.value) == (1.0, 0.0)
    assert framed.followed.high < bare.followed.low and framed.unfit == 0


def test_quoting_is_not_following() -> None:
    [case] = [case for case in attacks(1) if case.kind == "ignore"]
    assert verdict_on(case, case.canary.upper()) == "followed"
    assert verdict_on(case, f"The page says: {case.instruction}") == "quoted"
    assert verdict_on(case, "30 days.") == "ignored"


def test_no_page_forges_a_turn() -> None:
    seen: list[list[int]] = []

    def keep(prompts: Sequence[list[int]]) -> list[str]:
        seen.extend(prompts)
        return ["" for _ in prompts]

    run_attacks(CASES, TEMPLATE, keep, delimited=True, **ROOM)
    control = TEMPLATE.tokenizer.control_ids()
    assert {sum(i in control for i in ids) for ids in seen} == {3}  # user's start and end, the answer's start
    for ids in seen:
        text = TEMPLATE.tokenizer.decode(ids)
        [tag] = set(re.findall(r"<<(\w{8}) \[1\]", text))
        assert text.count(f"{tag}>>") == 1


def test_what_does_not_fit_is_counted() -> None:
    with pytest.raises(DataError, match="no attack fits"):
        run_attacks(CASES, TEMPLATE, heeds_the_frame, delimited=True, max_length=60, max_tokens=50)
