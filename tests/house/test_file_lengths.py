"""A file that is read in a sitting: 600 lines at most."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT = 600
# Named exceptions: path -> why.
LONGER: dict[str, str] = {}
RECIPE_LIMIT = 120
# stage.py is what recipes share; the others are owed. Each with its length today.
LONGER_RECIPES = {
    "stage.py": 183,
    "check_data.py": 144,
    "ppo.py": 128,
    "pretrain.py": 127,
}


def test_no_file_is_longer_than_a_sitting() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("src", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: n for name, n in lengths.items() if n > LIMIT and name not in LONGER} == {}
    assert [name for name in LONGER if lengths.get(name, 0) <= LIMIT] == [], "no longer needs its exception"


def test_a_recipe_reads_like_a_method_section() -> None:
    """120 lines for the wiring of one stage; what recipes share, and what is owed, may not grow."""
    folder = ROOT / "src" / "tunesmith" / "recipes"
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in folder.glob("*.py")}
    assert {name: n for name, n in lengths.items() if n > LONGER_RECIPES.get(name, RECIPE_LIMIT)} == {}
    assert [name for name in LONGER_RECIPES if lengths.get(name, 0) <= RECIPE_LIMIT] == [], "no longer an exception"
