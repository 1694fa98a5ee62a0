from __future__ import annotations

import re
from typing import Any

from tunesmith.evaluate.comparison import compare_logs
from tunesmith.evaluate.evaluation_report import Page, Versus, findings, headline, render_page, run_name
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Measure, Written
from tunesmith.evaluate.task import Ask, Item

MEASURES = {
    "squad2": [
        Measure("f1", "F1", primary=True),
        Measure("says_no_answer", "says that there is no answer", higher_is_better=None),
    ],
    "winogender": [Measure("entropy", "entropy", unit="bits", primary=True)],
}


def log(model: str, f1: float, entropy: float) -> list[Sample]:
    found = []
    for i in range(40):
        item = Item(str(i), str(i), Ask((), f"<b>question</b> {i}"), {"answers": ["x"]})
        scores = {"f1": [f1 if i % 4 else 0.0], "says_no_answer": [0.0]}
        answer = Written((f"{model} <script> {i}",), (True,))
        found.append(Sample(task="squad2", item=item, response=answer, model=model, scores=scores))
        scores = {"entropy": [entropy + i / 1000]}
        found.append(Sample(task="winogender", item=item, response=answer, model=model, scores=scores))
    return found


def part(suite: str, value: float, condition: str = "none") -> dict[str, Any]:
    shown = {
        m.name: {
            "value": value, "low": value - 0.1, "high": value + 0.1, "n": 40, "label": m.label, "unit": m.unit,
            "higher_is_better": m.higher_is_better, "primary": m.primary,
        }
        for m in MEASURES[suite]
    }  # fmt: skip
    rate = {"value": value, "low": 0.0, "high": 1.0, "n": 20}
    groups = {"kind": {"answerable": {"f1": rate}, "unanswerable": {"f1": rate}}} if suite == "squad2" else {}
    return {
        "source": "a paper", "items": 40, "notes": [], "left_out": {"broken": 3}, "unscored": {}, "prompts_cut": 0,
        "file_sha256": "abcdef0123456789", "condition": condition, "measures": shown, "groups": groups,
    }  # fmt: skip


def page(condition: str = "none") -> Page:
    evaluations = {
        name: {"suites": {"squad2": part("squad2", value), "winogender": part("winogender", value, condition)}}
        for name, value in (("runs/base", 0.3), ("runs/sft", 0.5))
    }
    found = compare_logs(log("base", 0.0, 0.5), log("sft", 1.0, 0.5), MEASURES, correction="holm", seed=0)
    return Page(evaluations=evaluations, versus=[Versus("runs/base", "runs/sft", found)])


def test_the_page_loads_nothing_and_escapes_what_models_wrote() -> None:
    html = render_page(page())
    assert "<script" not in html and "sft &lt;script&gt;" in html and "&lt;b&gt;question" in html
    assert not re.search(r"""(?:src|href)=["'](?!#)""", html)
    assert "built-in method" not in html, "a key of a dictionary met one of its methods"


def test_differences_of_shares_are_points_with_their_sign() -> None:
    shown = page()
    assert headline(shown) == "sft against base: 1 of 2 tested measures better, 0 worse, 1 without measurable change."
    [good, neutral] = findings(shown)
    assert good[0] == "good" and good[1].startswith("SQuAD 2.0, F1: better, +75.0 points (95 % interval +")
    assert good[1].endswith("n = 40, adjusted p < 0.001)"), "a p-value is never zero"
    assert neutral[0] == "neutral" and "+0.00 bits" in neutral[1]
    html = render_page(shown)
    assert '<td class="number strong">+75.0</td>' in html
    assert "40 items · a paper · file abcdef012345 · 3 left out: broken" in html


def test_the_papers_figures_are_those_of_the_prompt_condition() -> None:
    assert "0.74 / 0.50 / 0.62 / 0.74 bits" in render_page(page())
    respectful = render_page(page("respectful"))
    assert "0.80 / 0.48 / 0.53 / 0.70 bits" in respectful and "0.74 / 0.50" not in respectful
    assert " bits</td></tr>" not in render_page(page("biased")), "the paper has no such figure"


def test_a_measure_without_a_better_side_has_no_arrow_and_is_not_tested() -> None:
    html = render_page(page())
    row = html[html.index("<h2>Suite by suite") :]
    assert re.search(r'F1 <span class="quiet">↑</span>', row)
    assert re.search(r"says that there is no answer</th>", row)


def test_groups_and_samples_of_every_kind_are_shown() -> None:
    html = render_page(page())
    assert "SQuAD 2.0 by kind (2): F1" in html and "<th>unanswerable</th>" in html
    assert "Better with sft" in html and "Worse with sft" not in html


def test_runs_are_called_by_the_parts_of_their_path_that_say_something() -> None:
    assert run_name("runs/sft/model") == "sft"
    assert run_name("/a/b/c") == "b/c"
