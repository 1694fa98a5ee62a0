from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.recipes.serve import Config, run
from tunesmith.recipes.serve_parts import Named, named


def test_names_are_given_or_the_last_part_of_the_path() -> None:
    assert named(["runs/quick", "b=runs/x/model", "desk"]) == [
        Named("quick", "runs/quick"),
        Named("b", "runs/x/model"),
        Named("desk", "desk"),
    ]
    for models in (["runs/a/model", "runs/b/model"], ["=runs/a"]):
        with pytest.raises(ConfigError, match="one name"):
            named(models)


def test_a_dry_run_checks_address_and_keys_and_opens_nothing(tmp_path: Path) -> None:
    environment = {"TUNESMITH_SERVE_KEY": "ts-0123456789abcdef"}
    config = Config(models=("no/such/model",), host="0.0.0.0")
    with pytest.raises(ConfigError, match="API key"):
        run(config, RunContext(dry_run=True))
    result = run(config, RunContext(dry_run=True, environment=environment))
    assert result.summary["keys"] == 1 and environment["TUNESMITH_SERVE_KEY"] not in str(result.summary)
    with pytest.raises(ConfigError):
        run(Config(), RunContext())
