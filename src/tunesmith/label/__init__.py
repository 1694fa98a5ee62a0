"""The labelling desk: pages and an API on which people write, edit, rate, rank and compare, and leads review."""
