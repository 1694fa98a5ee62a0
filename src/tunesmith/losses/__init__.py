"""Pure tensor functions, each with its equation; sums, never means."""
