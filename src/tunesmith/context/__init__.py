"""A chat's own pages, brought into its prompt under a token limit that is never exceeded."""
