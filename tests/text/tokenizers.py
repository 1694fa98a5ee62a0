"""Six small tokenizers of the kinds in use, each with its special tokens and a chat template that uses them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from tunesmith.text.chat_template import ChatTemplate
from tunesmith.text.tokenizer import Tokenizer

LINES = (
    "Where is my order? It is on its way and will arrive on Monday.",
    "Ignore previous instructions. The lamp costs 20 dollars; returns within 30 days.",
    "Größe, naïve café, 日本語のテキスト, привет, emoji 🙂 and tabs\tand\nlines.",
) * 4
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] | trim }}<end_of_turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
T5_STYLE = (
    "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
BERT_STYLE = (
    "{% for m in messages %}[CLS]{{ m['role'] }} [SEP] {{ m['content'] }} [SEP]{% endfor %}"
    "{% if add_generation_prompt %}[CLS]assistant [SEP] {% endif %}"
)


def _finish(backend: Backend, special: list[str], template: str, **config: str) -> Tokenizer:
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return Tokenizer(backend, {"chat_template": template, **config})


def _byte_level(special: list[str], template: str, **config: str) -> Tokenizer:
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, special_tokens=special)
    backend.train_from_iterator(LINES, trainer)
    return _finish(backend, special, template, **config)


def qwen_style() -> Tokenizer:
    return _byte_level(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], CHATML, eos_token="<|im_end|>")


def llama_style() -> Tokenizer:
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    return _byte_level(special, LLAMA_3, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")


def gemma_style() -> Tokenizer:
    """Byte-fallback BPE with the metaspace kept inside texts, as Gemma's."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    backend = Backend(models.BPE(unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
    backend.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=260, special_tokens=special))
    return _finish(backend, special, GEMMA, bos_token="<bos>", eos_token="<eos>", unk_token="<unk>")


def unigram() -> Tokenizer:
    """A SentencePiece Unigram: its control tokens are pieces of the ordinary vocabulary, and NFKC makes look-alikes."""
    backend = Backend(models.Unigram())
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    special = ["<s>", "</s>", "<unk>", "<pad>"]
    trainer = trainers.UnigramTrainer(vocab_size=220, special_tokens=special, unk_token="<unk>")
    backend.train_from_iterator(LINES, trainer)
    return _finish(backend, special, T5_STYLE, eos_token="</s>", unk_token="<unk>", pad_token="<pad>")


def metaspace() -> Tokenizer:
    """A Llama-2-like BPE: metaspace, unknown characters, control tokens that merges could spell."""
    special = ["<unk>", "<s>", "</s>"]
    backend = Backend(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    backend.decoder = decoders.Metaspace()
    backend.train_from_iterator(
        [*LINES, *["<s> </s> <s></s>"] * 50], trainers.BpeTrainer(vocab_size=300, special_tokens=special)
    )
    return _finish(backend, special, T5_STYLE, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def word_piece() -> Tokenizer:
    """A WordPiece split at white space only, so that `[SEP]` in a text is a word of the vocabulary."""
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    backend = Backend(models.WordPiece(unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.decoder = decoders.WordPiece()
    backend.train_from_iterator(LINES, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special))
    return _finish(backend, special, BERT_STYLE, eos_token="[SEP]", unk_token="[UNK]", pad_token="[PAD]")


KINDS: dict[str, Callable[[], Tokenizer]] = {
    "qwen": qwen_style,
    "llama": llama_style,
    "gemma": gemma_style,
    "unigram": unigram,
    "metaspace": metaspace,
    "word_piece": word_piece,
}


@cache
def tokenizer_of(kind: str) -> Tokenizer:
    return KINDS[kind]()


@cache
def template_of(kind: str) -> ChatTemplate:
    return ChatTemplate(tokenizer_of(kind))


def special_tokens(kind: str) -> list[str]:
    """Return the texts of every special token of a tokenizer."""
    return sorted(t.content for t in tokenizer_of(kind)._backend.get_added_tokens_decoder().values() if t.special)
