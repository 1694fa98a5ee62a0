"""The chat page: conversations with the served models, kept in the store, and the feedback that the next model learns from."""
