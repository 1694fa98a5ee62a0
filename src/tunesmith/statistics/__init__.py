"""Rates with intervals, and how far people agree: what evaluation and the labelling desk both report."""
