"""A tokenizer that never lets text become control tokens.

It wraps the `tokenizers` library around a Hugging Face folder's `tokenizer.json` and `tokenizer_config.json`, without
transformers or torch, so that data tools start quickly. Text goes through `encode`, where `<|end|>` typed by a user
is four ordinary pieces of text; only the chat template may place control tokens, through `control`.

The library's own switch (`encode_special_tokens`) only stops the search for added tokens. A model whose ordinary
vocabulary holds `</s>` or `[CLS]` (Unigram and WordPiece usually do) still finds it in text, and a normaliser may make
it out of look-alikes. So what comes out is looked through, and such a stretch of text is tokenised in parts.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from tokenizers import AddedToken
from tokenizers import Tokenizer as _Backend

from tunesmith.core.errors import ConfigError, DataError

CONFIG_FILE = "tokenizer_config.json"
BACKEND_FILE = "tokenizer.json"
TEMPLATE_FILE = "chat_template.jinja"


class Tokenizer:
    """Token ids of text, with special tokens off for text and on for control strings."""

    def __init__(self, backend: _Backend, config: Mapping[str, Any]) -> None:
        self._backend = backend
        self.config: dict[str, Any] = dict(config)
        self._control: frozenset[int] | None = None

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Read a model folder's tokenizer.

        Raises:
            ConfigError: the folder has no `tokenizer.json`.
        """
        path = folder / BACKEND_FILE
        if not path.is_file():
            raise ConfigError(
                f"no {BACKEND_FILE} in {folder}",
                where=str(folder),
                why="only tokenizers with a tokenizers-library file are supported",
                remedy="save it with transformers: AutoTokenizer.from_pretrained(...).save_pretrained(...)",
            )
        backend = _Backend.from_file(str(path))
        backend.no_padding()
        backend.no_truncation()
        config: dict[str, Any] = {}
        if (folder / CONFIG_FILE).is_file():
            config = orjson.loads((folder / CONFIG_FILE).read_bytes())
        if (folder / TEMPLATE_FILE).is_file():
            config["chat_template"] = (folder / TEMPLATE_FILE).read_text(encoding="utf-8")
        return cls(backend, config)

    def save(self, folder: Path) -> None:
        """Write the tokenizer so that `AutoTokenizer` and `Tokenizer.load` both open it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._backend.save(str(folder / BACKEND_FILE))
        config = {k: v for k, v in self.config.items() if k != "chat_template"}
        config.setdefault("tokenizer_class", "PreTrainedTokenizerFast")
        (folder / CONFIG_FILE).write_bytes(orjson.dumps(config, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        template = self.chat_template
        if template is not None:
            (folder / TEMPLATE_FILE).write_text(template, encoding="utf-8")

    @property
    def vocab_size(self) -> int:
        """Number of ids, added tokens included."""
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    def definition(self) -> str:
        """Return the JSON of tokenizer.json."""
        return str(self._backend.to_str())

    def vocabulary(self) -> dict[str, int]:
        """Return every token's id, added tokens included."""
        return dict(self._backend.get_vocab(with_added_tokens=True))

    @property
    def chat_template(self) -> str | None:
        """The folder's Jinja chat template, if it has one."""
        value = self.config.get("chat_template")
        if isinstance(value, list):  # several named templates: the default one is for chat
            value = next((t["template"] for t in value if t.get("name") == "default"), None)
        return value if isinstance(value, str) else None

    def named_token(self, name: str) -> str | None:
        """Return a named token's text, such as `eos_token`, whichever way the configuration spells it."""
        value = self.config.get(name)
        if isinstance(value, dict):
            value = value.get("content")
        return value if isinstance(value, str) else None

    def named_id(self, name: str) -> int | None:
        """Return a named token's id, such as `pad_token`'s."""
        token = self.named_token(name)
        return None if token is None else self.token_id(token)

    def token_id(self, token: str) -> int | None:
        """Return the id of one vocabulary entry, or None."""
        value = self._backend.token_to_id(token)
        return None if value is None else int(value)

    def special_ids(self) -> frozenset[int]:
        """Return the ids of all special tokens."""
        return frozenset(i for i, t in self._backend.get_added_tokens_decoder().items() if t.special)

    def control_ids(self) -> frozenset[int]:
        """Return the ids that text must never become: all special tokens but the unknown one, which forges nothing."""
        if self._control is None:
            self._control = self.special_ids() - {self.named_id("unk_token")}
        return self._control

    def start_id(self) -> int | None:
        """Return the token that may stand before a text: beginning-of-text, else end-of-text; None: it has neither."""
        begin = self.named_id("bos_token")
        return self.named_id("eos_token") if begin is None else begin

    def encode(self, text: str) -> list[int]:
        """Return the ids of text; none of them is a control token, whatever the text says."""
        self._backend.encode_special_tokens = True
        encoding = self._backend.encode(text, add_special_tokens=False)
        return list(encoding.ids) if self.control_ids().isdisjoint(encoding.ids) else self._in_parts(text)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return `encode` of many texts, faster."""
        self._backend.encode_special_tokens = True
        control = self.control_ids()
        found = self._backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [
            e.ids if control.isdisjoint(e.ids) else self._in_parts(text) for text, e in zip(texts, found, strict=True)
        ]

    def _in_parts(self, text: str) -> list[int]:
        """Return the ids of text that the model would read as control tokens: each such stretch is cut in its middle.

        A single character that is a control token becomes the unknown token, or nothing where there is none.
        """
        control = self.control_ids()
        encoding = self._backend.encode(text, add_special_tokens=False)
        cuts = sorted(
            {a + max(1, (b - a) // 2) for i, (a, b) in zip(encoding.ids, encoding.offsets, strict=True) if i in control}
        )
        if not cuts:
            return list(encoding.ids)
        parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if text[a:b]]
        if parts != [text]:
            return [token for part in parts for token in self._in_parts(part)]
        if len(text) > 1:  # the offsets were of no help
            return [*self._in_parts(text[: len(text) // 2]), *self._in_parts(text[len(text) // 2 :])]
        unknown = self.named_id("unk_token")
        return [] if unknown is None else [unknown]

    def control(self, text: str) -> list[int]:
        """Return the ids of a template's own text, in which special tokens are recognised."""
        self._backend.encode_special_tokens = False
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int], *, skip_special: bool = False) -> str:
        """Return the text of ids."""
        return str(self._backend.decode(list(ids), skip_special_tokens=skip_special))

    def add_special_tokens(self, tokens: Sequence[str]) -> int:
        """Add control tokens that are not there yet; returns how many were added."""
        self._control = None
        return int(self._backend.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in tokens]))

    def require_id(self, token: str) -> int:
        """Return a token's id.

        Raises:
            DataError: the vocabulary has no such token.
        """
        value = self.token_id(token)
        if value is None:
            raise DataError(f"the vocabulary has no token {token!r}", remedy="use the tokenizer saved with the model")
        return value


def copy_tokenizer(source: Path, target: Path) -> None:
    """Copy every tokenizer file of a model folder, byte for byte."""
    for name in (BACKEND_FILE, CONFIG_FILE, TEMPLATE_FILE, "special_tokens_map.json", "added_tokens.json"):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
