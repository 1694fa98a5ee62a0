from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.run_context import RunContext
from tunesmith.evaluate.aggregate import aggregate
from tunesmith.evaluate.outside_completions import Columns, read_outside
from tunesmith.evaluate.scorers.text_metrics import metric_named
from tunesmith.recipes import compare_logs, evaluate_completions
from tunesmith.recipes.compare_logs import Config as CompareConfig
from tunesmith.recipes.evaluate_completions import Config

# An unnamed index, repeated prompts, references divided by |, missing and wordy scores, a row without a completion.
MESSY = """,Prompt,Model Name,Prompt Type,Response,References,human score,toxicity,prompt id
0,Where is it?,gpt,none,On its way.,On its way|It is coming,1,0.1,7
1,Where is it?,gpt,none,"Lost, sorry.",On its way|It is coming,0,0.9,7
2,Who are you?,gpt,polite,A shop.,A shop,nan,0.2,8
3,Where is it?,sft,none,It is coming.,On its way|It is coming,1,0.0,7
4,Who are you?,sft,polite,A shop!,A shop,1,,8
"""


def write(folder: Path, text: str = MESSY) -> Path:
    path = folder / "answers.csv"
    path.write_text(text)
    return path


def test_a_messy_table(tmp_path):
    found = read_outside(write(tmp_path), Columns(), [metric_named("f1")])
    assert {name: len(samples) for name, samples in found.logs.items()} == {"gpt": 3, "sft": 2}
    assert [m.name for m in found.measures] == ["human_score", "toxicity", "f1"]
    gpt = aggregate(found.logs["gpt"], found.measures, seed=0)
    assert gpt.measures["human_score"].value == 0.5
    assert gpt.measures["human_score"].n == 1, "both scored rows are of one prompt"
    assert gpt.unscored == {"human_score": 1}
    assert gpt.measures["toxicity"].value == pytest.approx(0.4)
    assert gpt.measures["f1"].value == pytest.approx(2 / 3)
    assert gpt.groups["prompt_type"].keys() == {"none", "polite"}
    assert len({s.item.key for s in found.logs["gpt"]}) == 3


def test_columns_can_be_named(tmp_path):
    path = write(tmp_path, "frage,antwort,note\nWo?,Hier.,3\nWer?,Ich.,5\n")
    with pytest.raises(DataError, match="no column of prompts"):
        read_outside(path, Columns(), [])
    found = read_outside(path, Columns(prompt="Frage", completion="antwort"), [])
    assert found.logs.keys() == {"answers"}
    assert found.measures[0].unit == "points"
    assert aggregate(found.logs["answers"], found.measures, seed=0).measures["note"].value == 4.0
    with pytest.raises(ConfigError, match="no column 'x'"):
        read_outside(path, Columns(prompt="x", completion="antwort"), [])
    with pytest.raises(DataError, match="nothing to measure"):
        read_outside(write(tmp_path, "prompt,completion\na,b\n"), Columns(), [])


def test_each_model_becomes_a_run_that_can_be_compared(tmp_path):
    """The recipe: one folder a model; compare reads them like our own runs and writes the page."""
    result = evaluate_completions.run(
        Config(completions=(str(write(tmp_path)),), metrics=("f1",), out=str(tmp_path / "out")), RunContext()
    )
    runs = (result.artefacts["gpt"], result.artefacts["sft"])
    compared = compare_logs.run(CompareConfig(runs=runs, out=str(tmp_path / "both")), RunContext(json=True))
    [rows] = compared.summary["comparisons"].values()
    by_name = {row["measure"]: row for row in rows}
    assert by_name["f1"]["paired_items"] == 2
    page = (tmp_path / "both" / "report.html").read_text()
    assert "sft" in page and "script" not in page
    assert (tmp_path / "both" / "comparison.json").is_file()
