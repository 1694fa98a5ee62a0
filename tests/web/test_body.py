from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, ValidationError

from tunesmith.web.body import Body


class Example(Body):
    text: str = ""
    texts: list[str] = Field(default_factory=list)
    inside: dict[str, str] = Field(default_factory=dict)


@pytest.mark.parametrize("given", [{"text": "a\x00b"}, {"texts": ["a", "\x00"]}])
def test_a_nul_character_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="NUL"):
        Example.model_validate(given)


@pytest.mark.parametrize("given", [{"unknown": 1}, {"text": 1}])
def test_what_is_not_declared_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate(given)


def test_everything_else_is_taken() -> None:
    assert Example.model_validate({"text": "a\nb\u202e", "inside": {"a": "\x00"}}).text == "a\nb\u202e"
