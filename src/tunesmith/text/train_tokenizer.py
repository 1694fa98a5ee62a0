"""Train the byte-level BPE tokenizer of a model made from scratch."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer as _Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from tunesmith.text.chat_template import END, ROLE_TOKENS
from tunesmith.text.tokenizer import Tokenizer

PAD = "<|pad|>"
END_OF_TEXT = "<|endoftext|>"


def train_tokenizer(texts: Iterable[str], *, vocab_size: int) -> Tokenizer:
    """Return a byte-level BPE tokenizer with single digits, this project's control tokens, and no chat template.

    Digits are split one by one so that a small model can copy and compare numbers. Nothing is normalised: decoding
    gives back the very text (T-TOK-10). `pad` is a token of its own, never the end token.
    """
    backend = _Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.decoder = decoders.ByteLevel()
    special = [PAD, END_OF_TEXT, END, *ROLE_TOKENS]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return Tokenizer(backend, {"pad_token": PAD, "eos_token": END_OF_TEXT, "model_max_length": 1024})
