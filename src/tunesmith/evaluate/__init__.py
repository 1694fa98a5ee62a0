"""Statistics with intervals, comparisons of models, and reports."""
