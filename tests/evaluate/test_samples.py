from __future__ import annotations

import json

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Message, Prompt
from tunesmith.desk.judge import Verdict
from tunesmith.evaluate.samples import Answer, Sample, choose_samples, sample_from_json

PROMPTS = [
    Prompt(messages=(Message("user", f"question {i}"),), meta={"task": "rare" if i == 17 else "common"})
    for i in range(30)
]
COMPLETIONS = {"sft": [f"sft {i}" for i in range(30)], "base": [f"base {i}" for i in range(30)]}
VERDICTS = {"sft": [Verdict(i % 2 == 0, None, False, 0.5, ("why",)) for i in range(30)]}


def choose(n, seed=0):
    return choose_samples(PROMPTS, COMPLETIONS, VERDICTS, n=n, seed=seed)


def test_tasks_take_turns():
    assert {s.prompt.meta["task"] for s in choose(2)} == {"common", "rare"}
    assert len(choose(5)) == 5
    assert len(choose(99)) == 30


def test_answers_belong_to_their_prompt():
    for sample in choose(10):
        index = sample.prompt.messages[0].content.split()[1]
        assert sample.answers["sft"] == Answer(f"sft {index}", VERDICTS["sft"][int(index)])
        assert sample.answers["base"] == Answer(f"base {index}", None)


def test_the_seed_draws():
    assert choose(5) == choose(5)
    assert choose(5) != choose(5, seed=1)


def test_json_and_back():
    for sample in choose(3):
        assert sample_from_json(json.loads(json.dumps(sample.to_json()))) == sample


@pytest.mark.parametrize("body", [{}, {"prompt": {"kind": "document", "text": ""}, "answers": {}}, []])
def test_what_is_not_a_sample(body):
    with pytest.raises(DataError):
        sample_from_json(body)


def test_a_sample_without_verdicts():
    sample = Sample(PROMPTS[0], {"sft": Answer("x")})
    assert sample.to_json()["answers"] == {"sft": {"text": "x"}}
