"""Demonstrations and prompts: determinism, coverage, disjoint splits, sizes."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections import Counter

import orjson
import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Demonstration, record_id
from tunesmith.desk.draws import coverage, demonstrations, examples, prompts
from tunesmith.desk.judge import judge

SCENARIOS = {
    "plain", "edge", "contextual", "negative", "persona", "complex", "ambiguous", "interleaved", "synonymous", "noisy",
    "adversarial",
}  # fmt: skip


@pytest.fixture(scope="module")
def train() -> list[Demonstration]:
    return demonstrations(2500, seed=0, split="train")


@pytest.fixture(scope="module")
def test() -> list[Demonstration]:
    return demonstrations(600, seed=0, split="test")


def text(record: Demonstration) -> str:
    return "\n".join(m.content for m in record.prompt)


def test_equal_seeds_give_equal_records_and_a_shorter_call_a_prefix(train: list[Demonstration]) -> None:
    random.seed(99)  # the global generator plays no part
    assert demonstrations(200, seed=0, split="train") == train[:200]
    assert demonstrations(200, seed=1, split="train") != train[:200]


def test_another_process_draws_the_same() -> None:
    code = (
        "from tunesmith.desk.draws import demonstrations; from tunesmith.core.records import record_id;"
        "print(record_id(demonstrations(40, seed=3, split='test')[-1]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == record_id(demonstrations(40, seed=3, split="test")[-1])


def test_prompts_are_the_demonstrations_without_the_answer(train: list[Demonstration]) -> None:
    for prompt, demonstration in zip(prompts(50, seed=0, split="train"), train, strict=False):
        assert prompt.messages == demonstration.prompt and prompt.meta == demonstration.meta
        assert prompt.messages[-1].role == "user"


def test_no_prompt_is_drawn_twice_or_shared_by_the_splits(
    train: list[Demonstration], test: list[Demonstration]
) -> None:
    ours, theirs = {text(d) for d in train}, {text(d) for d in test}
    assert len(ours) == len(train) and len(theirs) == len(test)
    others = {text(d) for d in demonstrations(1000, seed=5, split="train")}
    assert not theirs & (ours | others)
    assert not {d.meta["user"] for d in train} & {d.meta["user"] for d in test}


def test_every_task_and_scenario_is_drawn(train: list[Demonstration]) -> None:
    cells = {(task, scenario) for task, scenarios in coverage().items() for scenario in scenarios}
    assert {(d.meta["task"], d.meta["scenario"]) for d in train} == cells
    assert len(coverage()) >= 13 and {scenario for _, scenario in cells} == SCENARIOS
    assert all(len(scenarios) >= 4 for scenarios in coverage().values())
    assert all(n >= 2 for n in Counter(scenario for _, scenario in cells).values())


def test_texts_are_short_and_clean(train: list[Demonstration]) -> None:
    characters = sorted(len(text(d)) + len(d.completion) for d in train)
    assert 120 < characters[len(characters) // 2] < 400 and characters[-1] < 700
    answers = sorted(len(d.completion) for d in train)
    assert 20 < answers[len(answers) // 2] < 120 and answers[-1] < 300
    for d in train:
        whole = text(d) + d.completion
        assert d.completion == d.completion.strip() != ""
        assert not set("{}$") & set(re.sub(r"\$\d", "", whole)) or d.meta["task"] == "convert", whole
        assert "  " not in whole or d.meta["task"] == "convert", whole


def test_meta_is_json(train: list[Demonstration]) -> None:
    for d in train[:300]:
        assert json.loads(orjson.dumps(dict(d.meta))) == d.meta


@pytest.mark.parametrize(("n", "split"), [(-1, "train"), (1, "dev")])
def test_bad_arguments_are_named(n: int, split: str) -> None:
    with pytest.raises(ConfigError):
        demonstrations(n, seed=0, split=split)  # type: ignore[arg-type]


def test_an_emphasis_draws_a_task_more_often_and_must_name_one() -> None:
    usual, more = (Counter(d.meta["task"] for d in demonstrations(1500, seed=0, split="train", emphasis=e)) for e in
                   (None, {"other": 3.0}))  # fmt: skip
    share = 3 * usual["other"] / (1500 + 2 * usual["other"])
    assert more["other"] / 1500 == pytest.approx(share, abs=0.03)
    with pytest.raises(ConfigError, match="Did you mean 'other'"):
        demonstrations(1, seed=0, split="train", emphasis={"othr": 2.0})
    with pytest.raises(ConfigError):
        demonstrations(1, seed=0, split="train", emphasis={"other": 0.0})


def test_examples_are_right_and_without_habits_and_of_prompts_that_are_trained_on() -> None:
    shown = examples(200, seed=5)
    verdicts = [judge(one, one.completion) for one in shown]
    assert all(v.success and not v.habits for v in verdicts)
    assert [d.prompt for d in shown] == [d.prompt for d in demonstrations(200, seed=5, split="train")]
