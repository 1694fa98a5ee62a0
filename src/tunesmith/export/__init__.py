"""A trained model as other tools take it: an ordinary folder with a model card, an adapter, a GGUF file."""
