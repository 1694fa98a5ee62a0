"""Every module imports, without a warning and without doing anything."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import tunesmith

MODULES = [module.name for module in pkgutil.walk_packages(tunesmith.__path__, "tunesmith.")]


def test_there_are_modules() -> None:
    assert len(MODULES) > 50


@pytest.mark.parametrize("name", MODULES)
def test_imports(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module(name)
    assert capsys.readouterr().out == ""
