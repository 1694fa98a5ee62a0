"""Each suite reads its public file's form: small rows of our own here, the real files where they are present."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.evaluate.suites.known import SUITES, suite_named
from tunesmith.evaluate.suites.suite import SuiteOptions, find_file
from tunesmith.evaluate.task import Ask, Choices

REAL = Path(__file__).parents[4] / "shared" / "data"
SIZES = {
    "truthfulqa": 790,
    "truthfulqa_generation": 790,
    "hellaswag": 1000,
    "squad2": 6078,
    "gsm8k": 1319,
    "ifeval": 541,
    "real_toxicity_prompts": 993,
    "winogender": 120,
    "crows_pairs": 1508,
}
OPTIONS = SuiteOptions(toxicity=lambda text: 0.0, toxicity_name="nobody")


@pytest.mark.real_data
@pytest.mark.parametrize("name", SIZES)
def test_real_file(name):
    if not REAL.is_dir():
        pytest.skip("../shared/data is absent")
    suite = SUITES[name]
    task = suite.load(find_file(suite, REAL), OPTIONS)
    assert len(task.items) == SIZES[name]
    assert len({item.key for item in task.items}) == SIZES[name]
    assert len(task.file_sha256) == 64
    some = suite.load(find_file(suite, REAL), SuiteOptions(limit=7, toxicity=OPTIONS.toxicity))
    assert len(some.items) == 7
    assert {item.key for item in some.items} <= {item.key for item in task.items}


def test_truthfulqa_from_either_file(tmp_path):
    header = "Type,Category,Question,Best Answer,Best Incorrect Answer,Correct Answers,Incorrect Answers,Source\n"
    row = "A,Health,Is tea hot?,Often,Never,Often; Sometimes,Never; Only in May,x\n"
    (tmp_path / "TruthfulQA.csv").write_text(header + row)
    labels = {"Often": 1, "Never": 0, "Only in May": 0}
    body = [{"question": "Is tea hot?", "mc1_targets": labels, "mc2_targets": {**labels, "Sometimes": 1}}]
    (tmp_path / "mc_task.json").write_text(json.dumps(body))
    suite = suite_named("truthfulqa")
    for name in ("TruthfulQA.csv", "mc_task.json"):
        [item] = suite.load(tmp_path / name, OPTIONS).items
        assert isinstance(item.request, Choices)
        assert item.request.context.endswith("in Barcelona, Spain.\n\nQ: Is tea hot?\nA:")
        answers = item.request.continuations
        assert answers[item.target["best"]] == " Often"
        assert {answers[i] for i in item.target["true"]} == {" Often", " Sometimes"}
        assert {answers[i] for i in item.target["mc1_false"]} == {" Never", " Only in May"}


def test_hellaswag_is_cleaned(tmp_path):
    row = {"ind": 1, "activity_label": "Tea", "ctx_a": "Boil it. [title] Pour", "ctx_b": "a CUP", "label": 2,
           "endings": ["[step] one", "two", "three", "four"], "split_type": "indomain", "source_id": "w"}  # fmt: skip
    file = tmp_path / "hellaswag.jsonl"
    file.write_text(json.dumps(row) + "\n" + json.dumps({**row, "ind": 2, "label": ""}) + "\n")
    task = suite_named("hellaswag").load(file, OPTIONS)
    [item] = task.items
    assert isinstance(item.request, Choices)
    assert item.request.context == "Tea: Boil it.. Pour A cup"
    assert item.request.continuations == (" one", " two", " three", " four")
    assert item.target == {"answer": 2}
    assert task.left_out == {"no label": 1}


def test_gsm8k_shows_solved_examples_without_marks(tmp_path):
    rows = [{"question": f"How many? {i}", "answer": f"1+1=<<1+1=2>>2\n#### {i}"} for i in range(3)]
    file = tmp_path / "gsm8k.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = suite_named("gsm8k").load(file, SuiteOptions(shots=2, shots_file=file))
    assert task.protocol.form == "plain"
    request = task.items[0].request
    assert isinstance(request, Ask)
    assert request.plain.count("Answer:") == 3
    assert "<<" not in request.plain
    with pytest.raises(ConfigError, match="no file"):
        suite_named("gsm8k").load(file, SuiteOptions(shots=2))


def test_conditions_of_instructgpt(tmp_path):
    file = tmp_path / "crows_pairs.csv"
    file.write_text(",sent_more,sent_less,bias_type\n0,She is bad at maths.,He is bad at maths.,gender\n")
    suite = suite_named("crows_pairs")
    contexts = [suite.load(file, SuiteOptions(condition=c)).items[0].request for c in ("none", "respectful", "biased")]
    assert [isinstance(c, Choices) and bool(c.context) for c in contexts] == [False, True, True]
    assert len({c.context for c in contexts if isinstance(c, Choices)}) == 3


def test_toxic_prompts_are_reported_apart(tmp_path):
    file = tmp_path / "prompts.jsonl"
    rows = [{"prompt": {"text": "So I", "toxicity": 0.1}}, {"text": "You", "toxicity": 0.9}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = suite_named("real_toxicity_prompts").load(file, OPTIONS)
    assert [item.groups["prompt"] for item in task.items] == ["non-toxic", "toxic"]
    assert (task.protocol.completions, task.protocol.max_tokens, task.protocol.top_p) == (25, 20, 0.9)


def test_a_file_is_found_by_name_and_content(tmp_path):
    for folder, row in (("a", {"text": "x", "toxicity": 0.1}), ("b", {"question": "q", "answer": "#### 1"})):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test.jsonl").write_text(json.dumps(row) + "\n")
    assert find_file(SUITES["gsm8k"], tmp_path) == tmp_path / "b" / "test.jsonl"
    with pytest.raises(DataError, match="no file of ifeval"):
        find_file(SUITES["ifeval"], tmp_path)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "test.jsonl").write_text('{"question": "q", "answer": "#### 1"}\n')
    with pytest.raises(DataError, match="several"):
        find_file(SUITES["gsm8k"], tmp_path)


def test_an_unknown_instruction_stops_and_an_unknown_suite_names_the_nearest(tmp_path):
    file = tmp_path / "ifeval.jsonl"
    file.write_text('{"key": 1, "prompt": "p", "instruction_id_list": ["new:kind"], "kwargs": [{}]}\n')
    with pytest.raises(DataError, match="new:kind"):
        suite_named("ifeval").load(file, OPTIONS)
    with pytest.raises(ConfigError, match="hellaswag"):
        suite_named("helaswag")
