"""Join what belongs together: items that share a key, directly or through others, are one group."""

from __future__ import annotations

from collections.abc import Sequence


def groups(keys: Sequence[Sequence[str]]) -> list[str]:
    """Return the name of each item's group: the smallest of all keys in it. Every item needs at least one key."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for own in keys:
        for key in own:
            first, other = sorted((root(own[0]), root(key)))
            parent[other] = first
    return [root(own[0]) for own in keys]
