"""Vectors on disk by the content of their texts, so that a restart embeds only what is new."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tunesmith.formats.atomic import replacing

_HASH_BYTES = 32

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


class VectorCache:
    """An embedder in front of which one file stands; `fingerprint` of the embedder is the file's name.

    `computed` counts the texts that were embedded because the file did not have them. A file that cannot be read is
    written anew, and `problem` says so. The file holds the vectors of the last call that computed any: those of pages
    that are gone do not pile up.
    """

    def __init__(self, embed: Embed, fingerprint: str, folder: Path) -> None:
        self.computed = 0
        self.problem = ""
        self._embed = embed
        self._path = folder / f"{fingerprint}.safetensors"

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors (texts, d).

        Raises:
            EnvironmentProblem: the file cannot be written.
        """
        known = self._read()
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            self.computed += len(new)
            known |= dict(zip(new, self._embed(list(new.values())), strict=True))
            self._write({key: known[key] for key in keys})
        return np.stack([known[key] for key in keys])

    def _read(self) -> dict[bytes, NDArray[np.float32]]:
        try:
            held = load(self._path.read_bytes())
            keys, vectors = held["keys"], held["vectors"]
        except FileNotFoundError:
            return {}
        except (OSError, SafetensorError, KeyError) as error:
            self.problem = f"{self._path} cannot be read and is made anew ({error})"
            return {}
        return {key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)}

    def _write(self, known: dict[bytes, NDArray[np.float32]]) -> None:
        keys = np.frombuffer(b"".join(known), dtype=np.uint8).reshape(-1, _HASH_BYTES)
        with replacing(self._path) as file:
            file.write(save({"keys": keys, "vectors": np.stack(list(known.values()))}))
