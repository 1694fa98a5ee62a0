from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tunesmith.checks import run
from tunesmith.checks.known import KNOWN, CheckPlan, CheckSettings
from tunesmith.checks.leakage import LeakageConfig, ReferenceText, index
from tunesmith.checks.run import Checked, run_checks
from tunesmith.desk.weights import shipped_base
from tunesmith.formats import streaming

PLAN = CheckPlan(("broken", "pii", "noise"), CheckSettings().model_dump_json())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """300 rows: every tenth cannot be read, every seventh holds an address."""
    lines = []
    for n in range(300):
        answer = f"Write to a{n}@shop.org." if n % 7 == 0 else "Nobody knows."
        row = json.dumps({"instruction": f"Who is number {n}?", "input": "", "output": answer})
        lines.append(row[:20] if n % 10 == 9 else row)
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def checked(file: Path, workers: int) -> tuple[Checked, bytes]:
    out = io.BytesIO()
    result = run_checks([file], PLAN, out, workers=workers)
    return result, out.getvalue()


def test_the_findings_do_not_depend_on_chunks_or_workers(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, expected = checked(file, 1)
    for rows, workers in ((7, 1), (1, 1), (64, 2)):
        monkeypatch.setattr(streaming, "CHUNK_ROWS", rows)
        divided, found = checked(file, workers)
        assert found == expected
        assert divided == whole


@pytest.fixture
def varied(tmp_path: Path) -> list[Path]:
    """Two splits of 150 rows with a fault for every check of a whole data set."""
    paths = [tmp_path / "train.jsonl", tmp_path / "test.jsonl"]
    for start, path in zip((0, 150), paths, strict=True):
        rows = []
        for n in range(start, start + 150):
            question = f"How many {WORDS[n % 13]} does the {WORDS[n % 7]} keeper of house {n} carry to the market?"
            answer = f"The keeper of house {n} carries {n} {WORDS[n % 13]} there."
            rows.append({"instruction": question, "input": "", "output": answer})
        rows[20] = rows[3]
        rows[30] = rows[4] | {"output": "None at all."}
        rows[40] = rows[5] | {"instruction": rows[5]["instruction"] + " Please tell me."}
        rows[50] = {"instruction": "Who wrote the long letter to Ann from Bergen?", "input": "", "output": "I did."}
        rows[60] = rows[6] | {"output": "word " * 4000}
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


WORDS = (
    "apples",
    "boats",
    "candles",
    "dogs",
    "eggs",
    "forks",
    "goats",
    "hats",
    "inks",
    "jars",
    "kites",
    "lamps",
    "mice",
)


def test_all_checks_say_the_same_with_one_worker_and_two(varied: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    reference = index([ReferenceText("q.jsonl:1", "Who wrote the long letter to Ann from Bergen?")], LeakageConfig())
    settings = CheckSettings().model_dump_json()
    plan = CheckPlan(tuple(KNOWN), settings, str(shipped_base()), 128, several_files=True, reference=reference)
    written = []
    for rows, workers in ((2000, 1), (37, 1), (64, 2)):
        monkeypatch.setattr(streaming, "CHUNK_ROWS", rows)
        out = io.BytesIO()
        result = run_checks(varied, plan, out, workers=workers)
        written.append((out.getvalue(), result))
    for found, result in written[1:]:
        assert found == written[0][0]
        for name, section in result.results.items():
            assert section == written[0][1].results[name], name
        assert result == written[0][1]
    assert set(written[0][1].results) == set(KNOWN)
    kinds = {json.loads(line)["check"] for line in written[0][0].splitlines()}
    assert kinds >= {
        *("duplicates.exact", "duplicates.near", "duplicates.conflict"),
        *("leakage.reference", "split_leakage.prompt", "outliers.answer_length"),
    }


def test_every_bad_row_is_a_finding_and_every_good_row_is_counted(file: Path) -> None:
    result, found = checked(file, 1)
    findings = [json.loads(line) for line in found.splitlines()]
    assert [f["line"] for f in findings if f["check"] == "broken.json"] == list(range(10, 301, 10))
    emails = [n + 1 for n in range(300) if n % 7 == 0 and n % 10 != 9]
    assert [f["line"] for f in findings if f["check"] == "pii.email"] == emails
    assert (result.rows, result.bad_rows, dict(result.kinds)) == (300, 30, {"demonstration": 270})
    assert result.tallies["pii.email"].rows == len(emails) and len(result.tallies["pii.email"].examples) == run.EXAMPLES
    assert [f["line"] for f in findings] == sorted(f["line"] for f in findings)
    assert set(findings[0]) == {"file", "line", "field", "check", "reason", "severity"}


def test_a_file_without_a_good_row_is_reported_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"instruction": "Who?", "input": "", "output": ""}\n')
    result, _ = checked(path, 1)
    assert result.severities == {"error": 1, "warning": 0, "note": 0}
