"""What the store refuses, whoever asks: the labelling desk or a conversation."""

from __future__ import annotations

from tunesmith.core.errors import TunesmithError


class NoSuchThing(TunesmithError):
    """Nothing that is stored has this name or number."""


class NotNow(TunesmithError):
    """The request contradicts what is stored: the item's places are full, the label was taken back, the key is used."""
