"""Search over recipes: sweeps, the learning-rate range test, the largest micro-batch that fits."""
