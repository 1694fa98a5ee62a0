from __future__ import annotations

from pathlib import Path

import pytest

from .shell import Ran, Shell


@pytest.fixture
def ab(shell: Shell, tmp_path: Path):  # type: ignore[no-untyped-def]
    def call(*words: str) -> Ran:
        return shell("ab", words[0], "--db", str(tmp_path / "x.db"), *words[1:], "--json")

    return call


def test_a_test_from_beginning_to_end(ab, shell: Shell, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    warm = tmp_path / "warm.txt"
    warm.write_text("Be kind.")
    made = ab("create", "greeting", "--arm", "plain=Be short.", "--arm", f"warm=@{warm}", "--guardrail", "s:lower:0.5")
    assert made.code == 0, made.err
    assert [arm["value"] for arm in made.json["arms"]] == ["Be short.", "Be kind."]
    for n in range(6):
        one = ab("record", "greeting", "--user", f"u{n}", "--value", "1", "--key", f"k{n}")
        assert one.json["stored"] and one.json["arm"] in ("plain", "warm")
    assert not ab("record", "greeting", "--user", "u0", "--value", "0", "--key", "k0").json["stored"]
    [row] = ab("status").json["experiments"]
    assert (row["people"], row["outcomes"], row["status"]) == (6, 6, "running")
    page = tmp_path / "ab.html"
    told = ab("report", "greeting", "--out", str(page))
    assert told.json["recommendation"].startswith("Go on: 6 people") and "<svg" in page.read_text()
    assert ab("promote", "greeting", "warm", "--reason", "enough").json["status"] == "promoted"
    again = ab("stop", "greeting", "--reason", "no")
    assert again.code == 1 and "promoted already" in again.json["error"]["message"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("create", "x", "--arm", "a=1"), "two arms"),
        (("create", "x", "--arm", "a=1", "--arm", "b"), "NAME=WHAT"),
        (("create", "x", "--arm", "a=1", "--arm", "b=2", "--share", "0.5"), "1 shares for 2 arms"),
        (("create", "x", "--arm", "a=1", "--arm", "b=2", "--guardrail", "s:lower"), "NAME:lower:MARGIN"),
        (("create", "x", "--arm", "a=1", "--arm", "b=2", "--better", "more"), "higher or lower"),
        (("create", "x", "--arm", "a=1", "--arm", "b=2", "--kind", "page"), "prompt or model"),
        (("report", "nothing"), "no experiment 'nothing'"),
    ],
)
def test_what_is_typed_wrong_says_so(ab, words: tuple[str, ...], says: str) -> None:  # type: ignore[no-untyped-def]
    ran = ab(*words)
    assert ran.code == 2 and says in ran.json["error"]["message"]
