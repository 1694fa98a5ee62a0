"""Frozen, content-hashed snapshots and user-disjoint splits."""

from tunesmith.store.snapshots import Snapshot, freeze, load
from tunesmith.store.splits import cap_per_user, split
from tunesmith.store.summary import describe

__all__ = ["Snapshot", "cap_per_user", "describe", "freeze", "load", "split"]
