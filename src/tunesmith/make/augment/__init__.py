"""Vary prompts: one method per file, each of which says what it does to the right answer."""
