"""A local toxicity scorer trained on human labels: hashed TF-IDF of words and letters, logistic regression.

It needs no network, no service and no pickle: two arrays in a safetensors file. What it was trained on, how well it
agrees with people, and what it cannot see is in its card (`card.json`) and in docs/evaluation.md.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_array

from tunesmith.core.errors import ConfigError

BUCKETS = 2**15
WEIGHTS, CARD = "toxicity.safetensors", "toxicity.json"
SHIPPED = Path(__file__).parent / "data"
_WORD = re.compile(r"[\w*@$#!]+(?:['’]\w+)?")
_LETTERS = (3, 4, 5)

Floats = NDArray[np.float64]


class ToxicityModel(NamedTuple):
    """`weights` and `idf` have shape (BUCKETS,); `card` says where they come from."""

    weights: Floats
    idf: Floats
    bias: float
    card: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What reports call it; part of every number that it gives."""
        return f"tunesmith toxicity {self.card.get('version', '?')}"

    def score(self, text: str) -> float | None:
        """Return the probability that people call the text toxic; None for a text without a word."""
        counts = buckets(text)
        if not counts:
            return None
        places = np.fromiter(counts, dtype=np.int64, count=len(counts))
        values = (1.0 + np.log(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))) * self.idf[places]
        length = float(np.linalg.norm(values))
        if length == 0.0:
            return 1.0 / (1.0 + math.exp(-self.bias))
        return 1.0 / (1.0 + math.exp(-(self.bias + float(values @ self.weights[places]) / length)))


def buckets(text: str) -> Counter[int]:
    """Return how often each feature occurs: words, pairs of words, 3 to 5 letters in a word (hashed by CRC-32)."""
    return Counter(zlib.crc32(feature.encode()) % BUCKETS for feature in _features(text))


def _features(text: str) -> Iterator[str]:
    words = _WORD.findall(text.lower().replace("’", "'"))
    yield from (f"p {first} {second}" for first, second in pairwise(words))
    for first in words:
        yield f"w {first}"
        padded = f"<{first}>"
        for n in _LETTERS:
            for i in range(len(padded) - n + 1):
                yield f"{n} {padded[i : i + n]}"


def matrix_of(texts: Sequence[str]) -> csr_array:
    """Return the counts of every feature, shape (texts, BUCKETS)."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for row, text in enumerate(texts):
        counts = buckets(text)
        rows += [row] * len(counts)
        columns += counts.keys()
        values += [float(n) for n in counts.values()]
    return csr_array((values, (rows, columns)), shape=(len(texts), BUCKETS))


def load_toxicity(folder: Path = SHIPPED) -> ToxicityModel:
    """Return a scorer from its folder, the shipped one by default.

    Raises:
        ConfigError: the folder has no scorer.
    """
    try:
        arrays = load_file(str(folder / WEIGHTS))
        card = orjson.loads((folder / CARD).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ConfigError("no toxicity scorer", where=str(folder), why=str(error)) from error
    weights, idf = (arrays[name].astype(np.float64) for name in ("weights", "idf"))
    return ToxicityModel(weights, idf, float(card["bias"]), card)


def save_toxicity(model: ToxicityModel, folder: Path) -> None:
    """Write weights (half precision) and card."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"weights": model.weights.astype(np.float16), "idf": model.idf.astype(np.float16)}
    save_file(arrays, str(folder / WEIGHTS))
    body = {**model.card, "bias": model.bias}
    (folder / CARD).write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
