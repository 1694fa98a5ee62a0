from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tunesmith.core.records import Message, Prompt
from tunesmith.desk.judge import Verdict
from tunesmith.evaluate.charts import Panel
from tunesmith.evaluate.report import ReportDetails, render_report, write_report
from tunesmith.evaluate.results import WinRateResult
from tunesmith.evaluate.samples import Answer, Sample
from tunesmith.statistics.rates import Rate

from .full_results import full_results, least_results

ATTACK = "<script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)> \"'>"
SAMPLE = Sample(
    Prompt(
        messages=(Message("system", "Be kind."), Message("user", ATTACK)), meta={"task": ATTACK, "scenario": "noisy"}
    ),
    {
        "base": Answer(" \n", Verdict(False, None, False, 0.0, ("empty",))),
        "sft": Answer(ATTACK, Verdict(False, False, True, 0.1, (ATTACK,))),
        'x" onload="alert(3)': Answer("**bold**\n\nnext", Verdict(True, True, False, 1.0, ())),
    },
)
FULL = ReportDetails(
    title="A <title>",
    samples=[SAMPLE, Sample(Prompt(messages=(Message("user", "hi"),)), {"sft": Answer("hello")})],
    panels=[Panel("KL from SFT", "nats", {"PPO-ptx": [(1, 0.1), (2, 0.3)], ATTACK: [(1, 0.2)]})],
    reproduce=["make quickstart SEED=3 && echo <done>"],
    provenance={"base model": "sha256 abc"},
    notes=["Note <this>."],
)
VOID = {"meta", "br", "img", "link", "input", "hr"}
SECTIONS = (
    "instructgpt",
    "win-rates",
    "models",
    "tasks",
    "scenarios",
    "training",
    "limits",
    "samples",
    "cost",
    "reproduce",
    "provenance",
)


class Page(HTMLParser):
    """Checks nesting while reading; keeps tags, attributes and visible text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text, self.ids = [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


@pytest.fixture(scope="module")
def html():
    return render_report(full_results(), FULL)


@pytest.fixture(scope="module")
def full(html):
    return Page(html)


@pytest.fixture(scope="module")
def least():
    return Page(render_report(least_results(), ReportDetails()))


def words(page):
    return " ".join("".join(page.text).replace("\N{NO-BREAK SPACE}", " ").split())


def test_well_formed_with_unique_ids(full, least):
    for page in (full, least):
        assert page.tags[0] == "html"
        assert len(page.ids) == len(set(page.ids))


def test_nothing_is_loaded_and_nothing_runs(full, html):
    assert not {"script", "link", "iframe", "object", "embed", "img", "form"} & set(full.tags)
    assert not [a for a in full.attributes if a[1].startswith("on")]
    loads = [a for a in full.attributes if a[1] in {"src", "srcset", "action", "data", "poster", "xlink:href"}]
    assert loads == []
    assert all(value.startswith("#") for _, name, value in full.attributes if name == "href")
    style = html[html.index("<style") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:") in full.attributes


def test_what_people_and_models_wrote_is_text(full, html):
    assert "<script" not in html
    assert "<img" not in html
    # Prompt, task, answer, reason and a line's name: all shown, none alive.
    assert words(full).count(" ".join(ATTACK.split())) >= 4
    assert "A <title>" in words(full)


def test_a_full_run_has_every_section(full):
    assert [s for s in SECTIONS if s not in full.ids] == []
    assert full.tags.count("svg") == 3 + 1 + 1 + 1 + 1 + 1 + 1


def test_what_was_not_measured_does_not_appear(least):
    assert [s for s in SECTIONS if s in least.ids] == ["models", "cost"]
    assert "svg" not in least.tags
    text = words(least)
    assert "5.25" in text
    assert "InstructGPT" not in text
    assert not re.search(r"\b(None|nan|undefined)\b", text)


def test_optional_parts_can_be_absent_from_a_run():
    absent = {"win_rates": {}, "overoptimisation": None, "reward_model": None, "kl": None, "differences": {}}
    models = {"sft": full_results().models["sft"].model_copy(update={"by_task": {}, "truthful": None})}
    html = render_report(full_results().model_copy(update={**absent, "models": models}), ReportDetails())
    page = Page(html)
    assert [s for s in SECTIONS if s in page.ids] == ["instructgpt", "models", "scenarios", "cost", "provenance"]
    assert [
        n for n in ("wins", "calibration", "overoptimisation", "tasks", "truthful", "tax") if f'id="{n}-' in html
    ] == []
    assert 'id="success-' in html


def test_the_numbers_are_those_of_the_results(full):
    text = words(full)
    assert "PPO-ptx is preferred to SFT on 64.0 % of 100 held-out prompts (95 % interval 54.2–72.7 %)." in text
    assert "73.4 ± 2 %" in text
    assert "Expected calibration error 0.031" in text
    assert "40,123" in text
    assert "1 min 41 s" not in text
    assert "3 min 21 s" in text
    assert "Base 6.0 %, SFT 70.0 %" in text


def test_what_prompted_means_is_said_where_it_stands():
    results = full_results()
    sentence = "in plain text after solved examples"
    assert sentence not in render_report(results, FULL)
    results.models["base_prompted"] = results.models["base"]
    assert sentence in render_report(results, FULL)


def test_no_improvement_is_said_in_plain_words():
    gold = WinRateResult(gold=Rate(0.52, 0.47, 0.57, 400))
    page = Page(
        render_report(least_results().model_copy(update={"win_rates": {"ppo_ptx_vs_sft": gold}}), ReportDetails())
    )
    assert "PPO-ptx did not improve on SFT" in words(page)


def test_verdicts_and_empty_answers_are_shown(full):
    text = words(full)
    assert "(empty answer)" in text
    assert {"✗ not solved", "✗ untruthful", "✗ toxic", "✓ solved", "✓ truthful"} <= set(full.text)


def test_the_same_input_gives_the_same_page(tmp_path, html):
    path = tmp_path / "out" / "report.html"
    write_report(full_results(), FULL, path)
    assert path.read_text(encoding="utf-8") == html
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
