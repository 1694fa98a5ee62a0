"""Serving: continuous batching on the project's generator behind an OpenAI-compatible API."""
