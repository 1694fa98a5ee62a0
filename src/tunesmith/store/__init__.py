"""Frozen, content-hashed snapshots and user-disjoint splits."""
