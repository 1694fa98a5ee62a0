from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.run_context import RunContext, RunResult

from .shell import FakeRecipe, Shell


class ServeConfig(Strict):
    models: tuple[str, ...] = Field((), description="models")
    upstream: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    key_file: str = ""


def served(config: ServeConfig, context: RunContext) -> RunResult:
    return RunResult(out=Path(), summary=config.model_dump())


def test_models_and_address_reach_the_recipe(shell: Shell) -> None:
    shell.recipes["serve"] = FakeRecipe(served, Config=ServeConfig)  # type: ignore[arg-type]
    ran = shell("serve", "a=runs/a", "runs/b", "--port", "9", "--host", "::1", "--key-file", "k.txt", "--json")
    assert ran.code == 0 and ran.json["models"] == ["a=runs/a", "runs/b"]
    assert (ran.json["port"], ran.json["host"], ran.json["key_file"]) == (9, "::1", "k.txt")


def test_a_new_key_is_shown_once_and_kept_as_a_hash(shell: Shell, tmp_path: Path) -> None:
    ran = shell("serve", "--new-key", "ann", "--key-file", tmp_path / "keys.txt", "--json")
    assert ran.code == 0 and ran.json["key"].startswith("ts-")
    assert ran.json["key"] not in (tmp_path / "keys.txt").read_text()
    assert shell("serve", "--new-key", "ann").code == 2
