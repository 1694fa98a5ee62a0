"""Load and save Hugging Face folders, heads, LoRA, packed attention and the generator."""
