"""The command line: thin, lazily imported."""
