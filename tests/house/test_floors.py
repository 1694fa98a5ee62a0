"""The floors drawn in docs/architecture.md are the ones that import-linter holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def layers() -> list[set[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [floors] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [{name.strip().removeprefix("tunesmith.") for name in layer.split("|")} for layer in floors]


def drawn() -> list[set[str]]:
    block = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    # A line is the floor's names, with bars between siblings, and then what they are for.
    names = re.findall(r"^(\w+(?: \| \w+)*) ", block, flags=re.M)
    return [set(line.split(" | ")) for line in names]


def test_the_drawing_equals_the_contract() -> None:
    assert drawn() == layers()


def test_every_package_has_a_floor() -> None:
    packages = {path.parent.name for path in (ROOT / "src" / "tunesmith").glob("*/__init__.py")}
    assert packages == set().union(*layers())
