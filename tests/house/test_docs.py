"""Every verb, every configuration key and every format is documented; every command shown exists."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tunesmith.cli.train import STAGES
from tunesmith.core.config_schema import schema_of
from tunesmith.formats import READABLE

from .command_line import check_command, shown_commands, verbs

ROOT = Path(__file__).parents[2]
CLI = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
EVALUATION = ["evaluate", "evaluate_suites", "evaluate_completions", "evaluate_comparisons"]
PAGES = ["compare_logs", "evaluation_report"]
MAKING = ["check_data", "clean", "augment", "synthesize", "distill_data"]
RECIPES = [*STAGES, "quickstart", "loop", "chat", "serve", "export", "injection", *EVALUATION, *PAGES, *MAKING]


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_every_verb_is_in_the_reference(verb: str) -> None:
    assert f"`tunesmith {verb}" in CLI


def test_every_format_is_in_the_reference() -> None:
    assert [name for name in READABLE if f"`{name}`" not in CLI] == []


@pytest.mark.parametrize("stage", RECIPES)
def test_every_key_of_a_stage_is_documented(stage: str) -> None:
    config_cls = importlib.import_module(f"tunesmith.recipes.{stage}").Config
    schema = schema_of(config_cls)
    assert [path for path, info in schema.leaves.items() if not info.description] == []


@pytest.mark.parametrize("document", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_every_command_shown_exists(document: Path) -> None:
    assert [problem for words in shown_commands(document) if (problem := check_command(words))] == []
