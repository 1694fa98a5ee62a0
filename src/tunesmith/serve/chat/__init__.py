"""The chat page: conversations with the served models, kept in the store, and what people make of the replies."""
