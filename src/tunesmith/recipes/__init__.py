"""Straight-line wiring of one stage each."""
