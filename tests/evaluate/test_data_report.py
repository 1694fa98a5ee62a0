from __future__ import annotations

import re
from collections import Counter

from tunesmith.checks.advice import fixes
from tunesmith.checks.finding import CheckResult, Finding
from tunesmith.checks.run import Checked, Tally
from tunesmith.evaluate.data_report import DataReport, render_data_report


def tally(kind: str, rows: int, severity: str, reason: str = "r") -> Tally:
    example = Finding("a.jsonl", 3, "messages[1].content", kind, reason, severity)  # type: ignore[arg-type]
    return Tally(rows, rows, Counter({severity: rows}), [example])


def checked() -> Checked:
    return Checked(
        rows=1000,
        kinds=Counter(demonstration=990),
        formats={"a.jsonl": "alpaca"},
        tallies={
            "noise.refusal": tally("noise.refusal", 100, "warning", "says <b>so</b>"),
            "pii.key": tally("pii.key", 40, "error"),
            "toxicity.insult": tally("toxicity.insult", 300, "note"),
        },
        results={"tokens": CheckResult(check="tokens", numbers={"tokens": 12345}, advice=("Raise it.",))},
    )


def test_the_list_is_ordered_by_harm() -> None:
    ranked = fixes(checked(), ["a b.jsonl"], "out")
    # 40 errors weigh 40, 100 warnings 30, 300 notes 9.
    assert [fix.kind for fix in ranked] == ["pii.key", "noise.refusal", "toxicity.insult"]
    assert all(fix.words and fix.command for fix in ranked)


def test_the_page_shows_it_escaped_and_loads_nothing() -> None:
    data = checked()
    page = render_data_report(
        DataReport(data, fixes(data, ["a.jsonl"], "out"), {"noise": {"spelling": {"min_typos": 3}}})
    )
    assert "40 errors, 100 warnings, 300 notes in 1,000 rows" in page
    assert "says &lt;b&gt;so&lt;/b&gt;" in page and "12,345" in page and "Raise it." in page
    assert "noise.spelling.min_typos" in page
    assert not re.search(r"<script|src=|https?://(?!www\.w3\.org)", page)


def test_nothing_found_is_said() -> None:
    page = render_data_report(DataReport(Checked(rows=7), [], {}))
    assert "Nothing found in 7 rows" in page
