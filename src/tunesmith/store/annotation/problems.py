"""What the labelling store refuses."""

from __future__ import annotations

from tunesmith.core.errors import TunesmithError


class NoSuchThing(TunesmithError):
    """No annotation task, item, user or label has this name or number."""


class NotNow(TunesmithError):
    """The request contradicts what is stored: the item's places are full, the label was taken back, the key is used."""
