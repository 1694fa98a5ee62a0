from __future__ import annotations

import random
from pathlib import Path

import pytest

from .shell import Shell


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    draw = random.Random(5)
    lines = ["Arm,who,vote,seconds"]
    for n in range(600):
        arm = draw.choice(["plain", "warm"])
        yes = draw.random() < (0.65 if arm == "warm" else 0.4)
        lines += [f"{arm},u{n},{'yes' if yes else 'no'},{draw.gauss(2, 0.3):.3f}"] * draw.choice([1, 2])
    lines += [",u1,yes,1", "plain,,yes,1", "warm,u2,,"]
    path = tmp_path / "votes.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_table_that_people_understand(shell: Shell, votes: Path, tmp_path: Path) -> None:
    page = tmp_path / "ab.html"
    words = ("--arm", "arm", "--metric", "vote", "--metric", "seconds", "--user", "who", "--out", str(page))
    ran = shell("ab", "offline", votes, *words, "--share", "0.5", "--share", "0.5")
    assert ran.code == 0, ran.err
    assert "vote (primary, higher is better)" in ran.out and "Promote warm" in ran.out
    assert "left out: 1 rows, no arm" in ran.out and "as the shares say" in ran.out
    text = page.read_text()
    assert "How sure is it?" in text and "<script" not in text and text.count("<svg") == 4
    told = shell("ab", "offline", votes, *words[:-2], "--json").json
    people = sum(arm["people"] for arm in told["metrics"][0]["arms"])
    assert people == 600 and told["sample_ratio"] is None


def test_wrong_shares_raise_the_alarm(shell: Shell, votes: Path) -> None:
    words = ("--arm", "arm", "--metric", "vote", "--user", "who", "--share", "0.8", "--share", "0.2", "--json")
    told = shell("ab", "offline", votes, *words).json
    assert told["sample_ratio"]["alarm"] and told["recommendation"].startswith("Do not trust this test")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--arm", "armm", "--metric", "vote"), 2, "no column 'armm'. Did you mean 'arm'?"),
        (("--arm", "who", "--metric", "vote"), 3, "arms"),
        (("--arm", "arm", "--metric", "who"), 3, "no row"),
        (("--arm", "arm", "--metric", "vote", "--control", "cold"), 2, "no arm 'cold'"),
        (("--arm", "arm", "--metric", "vote", "--share", "0.5"), 2, "2 positive shares"),
    ],
)
def test_what_is_wrong_says_so(shell: Shell, votes: Path, words: tuple[str, ...], code: int, says: str) -> None:
    ran = shell("ab", "offline", votes, *words, "--json")
    assert ran.code == code and says in ran.json["error"]["message"]
