"""Objectives and step sources, one per method; they do not know each other."""
