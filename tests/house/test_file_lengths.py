"""A file that is read in a sitting: 600 lines at most."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT = 600
# Named exceptions: path -> why.
LONGER: dict[str, str] = {}


def test_no_file_is_longer_than_a_sitting() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("src", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: n for name, n in lengths.items() if n > LIMIT and name not in LONGER} == {}
    assert [name for name in LONGER if lengths.get(name, 0) <= LIMIT] == [], "no longer needs its exception"


def test_a_recipe_reads_like_a_method_section() -> None:
    """120 lines for the wiring of one stage; what recipes share may be longer."""
    shared = {"__init__.py", "stage.py", "records.py"}
    folder = ROOT / "src" / "tunesmith" / "recipes"
    assert all(path.is_file() for path in (folder / name for name in shared))
