"""The one training engine and everything a run keeps on disk."""
