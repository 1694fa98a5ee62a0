"""What the bodies of the chat page's requests share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A JSON object without unknown fields, whose values have exactly the types that are declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
