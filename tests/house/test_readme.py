"""The README's commands exist, its file tree is the real one, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from .command_line import check_command, shown_commands

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_tunesmith_command_exists() -> None:
    commands = shown_commands(ROOT / "README.md")
    assert len(commands) >= 4
    assert [problem for words in commands if (problem := check_command(words))] == []


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    shown = set(re.findall(r"^make ([a-z-]+)", README, flags=re.M))
    assert {"quickstart", "test"} <= shown <= targets


def test_the_file_tree_names_every_package() -> None:
    packages = {path.parent.name for path in (ROOT / "src" / "tunesmith").glob("*/__init__.py")}
    tree = README.split("src/tunesmith/\n")[1].split("```")[0]
    assert packages == set(re.findall(r"^  ([a-z]+)/ ", tree, flags=re.M))


def test_links_within_the_repository_exist() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
