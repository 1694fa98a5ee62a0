"""Texts as vectors: the mean of a network's last hidden states, of an encoder (BERT and its kin) or of a causal LM.

Sentence encoders say in `1_Pooling/config.json` whether the first token stands for the text instead of the mean. A
text longer than the network's positions is read from its beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import orjson
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from transformers import AutoModel

from tunesmith.core.errors import ConfigError
from tunesmith.model.load import check_finite, check_vocabulary, hush, resolve_folder
from tunesmith.text.tokenizer import Tokenizer

LONGEST = 512  # tokens of a text that are read at most
_BATCH_TOKENS = 8192


class Embedder:
    """Call it with texts for vectors (texts, d). One call at a time computes, from whatever threads they come.

    `fingerprint` names weights, tokenizer and pooling: equal ones give equal vectors.
    """

    def __init__(self, folder: Path) -> None:
        hush()
        self.name = str(folder)
        self.fingerprint = _fingerprint(folder)
        self._tokenizer = Tokenizer.load(folder)
        try:
            self._network, found = AutoModel.from_pretrained(
                str(folder), dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False,
                output_loading_info=True,
            )  # fmt: skip
        except (ValueError, OSError, KeyError, RuntimeError, SafetensorError) as error:
            raise ConfigError(
                "transformers cannot open this embedder", where=self.name, why=str(error).splitlines()[0]
            ) from error
        missing = sorted(name for name in found["missing_keys"] if not name.startswith("pooler."))
        if missing:
            why = f"{missing[0]} and {len(missing) - 1} more are missing"
            raise ConfigError("the embedder's weights are incomplete", where=self.name, why=why)
        check_finite(self._network, self.name)
        check_vocabulary(self._network, self._tokenizer, self.name)
        self._network.eval()
        if torch.cuda.is_available():
            self._network.to("cuda")
        self._first_token = _takes_first_token(folder)
        positions = int(getattr(self._network.config, "max_position_embeddings", 0) or LONGEST)
        self._longest = min(LONGEST, positions - 2)  # RoBERTa's positions begin at 2
        self._lock = Lock()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors (texts, d), not normalised; a text without a token is all zeros."""
        ids = [self._ids(text) for text in texts]
        width = int(self._network.config.hidden_size)
        vectors = np.zeros((len(texts), width), dtype=np.float32)
        order = sorted((i for i in range(len(ids)) if ids[i]), key=lambda i: (len(ids[i]), i))
        with self._lock, torch.inference_mode():
            for rows in _batches(order, [len(one) for one in ids]):
                vectors[rows] = self._embedded([ids[i] for i in rows])
        return vectors

    def _ids(self, text: str) -> list[int]:
        """Return a text's ids as the network was trained on them: an encoder's between its two marks."""
        first, last = (self._tokenizer.named_id(name) for name in ("cls_token", "sep_token"))
        begin, end = ([] if mark is None else [mark] for mark in (first, last))
        return [*begin, *self._tokenizer.encode(text)[: self._longest - len(begin) - len(end)], *end]

    def _embedded(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        device = self._network.device
        width = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=device)
        lengths = torch.tensor([len(row) for row in rows], device=device)
        seen = torch.arange(width, device=device)[None] < lengths[:, None]
        states = self._network(input_ids=ids, attention_mask=seen.long()).last_hidden_state
        if self._first_token:
            return np.asarray(states[:, 0].float().cpu())
        # A sum of what is seen: a padded place is put to zero, not multiplied by it.
        total = states.masked_fill(~seen[..., None], 0.0).sum(dim=1)
        return np.asarray((total / lengths[:, None]).float().cpu())


def open_embedder(name: str, *, shipped: Path | None = None) -> Embedder:
    """Return the embedder of a folder, a hub id, or `desk`.

    Raises:
        ConfigError: no such folder; pickled weights, code of its own, weights that are missing, or no tokenizer.
        EnvironmentProblem: a hub id that cannot be fetched.
        NumericalError: NaN or infinity in the weights.
    """
    return Embedder(resolve_folder(name, shipped=shipped))


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    files = [*folder.glob("*.safetensors"), folder / "config.json", folder / "tokenizer.json", _pooling(folder)]
    for path in sorted(path for path in files if path.is_file()):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def _pooling(folder: Path) -> Path:
    return folder / "1_Pooling" / "config.json"


def _takes_first_token(folder: Path) -> bool:
    """Return whether the first token stands for the text.

    Raises:
        ConfigError: the folder asks for another way than that or the mean.
    """
    path = _pooling(folder)
    if not path.is_file():
        return False
    asked = {key for key, value in orjson.loads(path.read_bytes()).items() if key.startswith("pooling_mode") and value}
    if asked == {"pooling_mode_cls_token"}:
        return True
    if asked != {"pooling_mode_mean_tokens"}:
        raise ConfigError("pools in a way that is not offered", where=str(path), why=", ".join(sorted(asked)) or "none")
    return False


def _batches(order: Sequence[int], sizes: Sequence[int]) -> list[list[int]]:
    """Return the rows, the shortest first, in batches of so many tokens with their padding."""
    found: list[list[int]] = []
    for row in order:
        if found and (len(found[-1]) + 1) * sizes[row] <= _BATCH_TOKENS:
            found[-1].append(row)
        else:
            found.append([row])
    return found
