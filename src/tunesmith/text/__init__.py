"""Tokenizer, chat template, rendering and token budgets: records become ids and masks."""
