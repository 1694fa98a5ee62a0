"""Token sequences become packed batches."""
