from __future__ import annotations

import sys

import pytest

from tunesmith.cli.surroundings import load_recipe, real_surroundings
from tunesmith.core.errors import NotYetError


def test_a_missing_recipe_is_not_yet_and_not_a_crash() -> None:
    with pytest.raises(NotYetError, match="no recipe 'no_such_stage'"):
        load_recipe("no_such_stage")


def test_the_real_ones_are_the_process_streams() -> None:
    world = real_surroundings()
    assert world.stdout is sys.stdout and "PATH" in world.environment
