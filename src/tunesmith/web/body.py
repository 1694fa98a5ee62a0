"""What the bodies of the pages' requests share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


class Body(BaseModel):
    """A JSON object without unknown fields, whose values have exactly the types that are declared.

    No text in it holds a NUL character, which PostgreSQL's texts cannot hold; what is inside an object is stored as
    JSON, where it is escaped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @field_validator("*")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and "\x00" in text for text in texts):
            raise ValueError("must not contain a NUL character")
        return value
