"""The whole InstructGPT loop on your own data."""

__version__ = "0.1.0.dev0"
