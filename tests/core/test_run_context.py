from __future__ import annotations

from pathlib import Path

from tunesmith.core.run_context import RunContext, RunResult


def test_a_bare_context_touches_nothing() -> None:
    context = RunContext()
    context.log("unseen")
    context.write("unseen")
    assert context.read("?") is None
    assert context.resume == "auto" and not context.dry_run


def test_a_result_needs_only_its_directory() -> None:
    assert RunResult(out=Path("runs/a")).artefacts == {}
