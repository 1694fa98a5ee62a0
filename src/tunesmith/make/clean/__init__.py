"""Repair a data set: one fix per file, each a pure function that a second application does not change again."""
