"""tests/<package>/test_x.py tests src/tunesmith/<package>/x.py."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "tunesmith"
# Folders of tests that are about several files at once.
SUITES = {"house", "invariants", "parity", "end_to_end"}
# Files of tests that are about a whole package.
PACKAGE_WIDE = {"formats/test_real_data.py", "label/test_fuzzing.py"}


def test_every_test_file_mirrors_a_source_file() -> None:
    strays = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        relative = path.relative_to(ROOT / "tests")
        name = relative.name.removeprefix("test_")
        source = (ROOT if relative.parts[0] in ("scripts", "benchmarks") else PACKAGE) / relative.parent
        if relative.parts[0] in SUITES or str(relative) in PACKAGE_WIDE:
            continue
        if not (source / name).is_file() and not (source / name[:-3]).is_dir():
            strays.append(str(relative))
    assert strays == []
