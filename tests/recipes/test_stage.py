"""What every recipe shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_runs import demonstrations, rankings
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.recipes.stage import Stage, StageConfig, held_out, require_one_process, walk_of
from tunesmith.train.distributed import World


def test_t_rm_7_no_prompt_crosses_into_the_validation_set() -> None:
    """The same prompt twice, with other completions, lands on one side; and stays there when rows are added."""
    rows = [r for r in rankings(40) for _ in range(2)]
    training, validation = held_out(rows, 0.3, 1)
    assert len(training) + len(validation) == 80 and validation
    assert {r.messages for r in training}.isdisjoint(r.messages for r in validation)
    more_training, more_validation = held_out([*rankings(60), *rows], 0.3, 1)
    assert {r.messages for r in validation} <= {r.messages for r in more_validation}
    assert {r.messages for r in training} <= {r.messages for r in more_training}
    assert held_out(rows, 0.3, 2)[1] != validation, "the seed decides"


def test_without_a_fraction_everything_is_for_training() -> None:
    rows = demonstrations(5)
    assert held_out(rows, 0, 0) == (rows, [])


def test_a_stage_needs_a_folder_and_sampling_needs_one_process(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        Stage("ppo", StageConfig(), RunContext())
    Stage("ppo", StageConfig(out=str(tmp_path / "x")), RunContext())
    require_one_process("ppo", RunContext())
    with pytest.raises(ConfigError, match="one process"):
        require_one_process("ppo", RunContext(environment={"WORLD_SIZE": "2"}))


def test_a_walk_follows_the_configuration_and_the_rank(tmp_path: Path) -> None:
    config = StageConfig(out=str(tmp_path), micro_batch_tokens=77, max_steps=5, seed=9)
    walk = walk_of(config, World(rank=1, size=2), global_batch_size=6, num_train_epochs=2.5)
    assert (walk.micro_batch_tokens, walk.max_steps, walk.seed, walk.rank, walk.world_size) == (77, 5, 9, 1, 2)
    assert (walk.global_batch_size, walk.num_train_epochs) == (6, 2.5)
