"""`python -m benchmarks.near_duplicates [--rows 10000] [--engines ours,datasketch,...] [--repeats 1]`: near duplicates.

The same rows for every engine, each run in a process of its own, engines alternating: texts in, clusters out. Rows are
80 words drawn from a Zipf law over 50,000; a tenth are copies of earlier rows with words replaced, so the true Jaccard
similarity of each planted pair is known and lies anywhere between 0.3 and 1. All engines use runs of 3 words and 25
bands of 5 hashes (datasketch and datatrove do not verify their candidates; rensa gives flags, not clusters, so of it
only "flagged" counts). Prints rows/s, recall of planted pairs (J >= 0.7 and >= 0.8), precision (flagged rows with
J >= 0.7 to their source) and the peak memory of the process
beyond the texts (Linux only).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_N, _BANDS, _HASHES = 3, 25, 5
_WORD = re.compile(r"\w+")


class Planted(NamedTuple):
    """Texts, and of each copy its row, its source's row and their true Jaccard similarity."""

    texts: list[str]
    copies: list[tuple[int, int, float]]


def plant(rows: int, *, seed: int = 0, words: int = 80, share: float = 0.1) -> Planted:
    """Return rows of which a tenth are edited copies of earlier ones."""
    generator, rng = np.random.default_rng(seed), random.Random(seed)
    vocabulary = [f"{rng.choice('bcdfgklmnprstvw')}{rng.choice('aeiou')}{i:x}" for i in range(50_000)]
    weights = 1.0 / np.arange(1, len(vocabulary) + 1)
    drawn = generator.choice(len(vocabulary), size=(rows, words), p=weights / weights.sum()).astype(np.int32)
    copies = []
    for row in range(1, rows):
        if rng.random() < share:
            source, edits = rng.randrange(row), rng.randrange(16)
            drawn[row] = drawn[source]
            drawn[row, rng.sample(range(words), edits)] = generator.choice(len(vocabulary), size=edits)
            copies.append((row, source, _jaccard(drawn[row].tolist(), drawn[source].tolist())))
    return Planted([" ".join(vocabulary[word] for word in row.tolist()) for row in drawn], copies)


def _jaccard(a: Sequence[int], b: Sequence[int]) -> float:
    first, second = ({tuple(x[i : i + _N]) for i in range(len(x) - _N + 1)} for x in (a, b))
    return len(first & second) / len(first | second)


def _shingles(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    return [" ".join(words[i : i + _N]) for i in range(max(1, len(words) - _N + 1))]


def ours(texts: list[str]) -> list[int]:
    """Return each row's cluster, in chunks of 2,000 rows as `data check` reads them."""
    from tunesmith.checks.near import NearSettings, cluster, sketch_of  # noqa: PLC0415

    settings = NearSettings(run_words=_N, bands=_BANDS, band_hashes=_HASHES)
    sketches = [sketch_of(texts[i : i + 2000], settings) for i in range(0, len(texts), 2000)]
    return cluster(sketches, np.zeros(len(texts), dtype=bool), settings).first_of.tolist()


def datasketch(texts: list[str]) -> list[int]:
    """Return clusters of MinHash.bulk and MinHashLSH, with xxhash instead of its slower SHA-1."""
    import xxhash  # noqa: PLC0415
    from datasketch import MinHash, MinHashLSH  # noqa: PLC0415

    index = MinHashLSH(num_perm=_BANDS * _HASHES, params=(_BANDS, _HASHES))
    sets = ([piece.encode() for piece in _shingles(text)] for text in texts)
    root = _Roots(len(texts))
    hashes = MinHash.generator(sets, num_perm=_BANDS * _HASHES, hashfunc=xxhash.xxh32_intdigest)
    for row, minhash in enumerate(hashes):
        for other in index.query(minhash):
            root.join(row, other)
        index.insert(row, minhash, check_duplication=False)
    return root.all()


def rensa(texts: list[str]) -> list[int]:
    """Return row 0 for flagged rows: its bulk calls say that a row has a partner, not which."""
    from rensa import RMinHash, RMinHashLSH  # noqa: PLC0415

    count = _BANDS * _HASHES
    index = RMinHashLSH(0.7, count, _BANDS)
    flags: list[bool] = []
    for start in range(0, len(texts), 2000):
        sets = [_shingles(text) for text in texts[start : start + 2000]]
        matrix = RMinHash.digest_matrix_from_token_sets(sets, count, 42)
        flags += index.insert_matrix_and_query_duplicate_flags(matrix, start)
    return [0 if flag else row for row, flag in enumerate(flags)]


def datatrove(texts: list[str]) -> list[int]:
    """Return clusters of datatrove's three stages over files in a temporary folder."""
    from datatrove.data import Document  # noqa: PLC0415
    from datatrove.pipeline.dedup.minhash import (  # noqa: PLC0415
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupSignature,
    )
    from datatrove.utils.logging import logger  # noqa: PLC0415

    logger.remove()
    config = MinhashConfig(n_grams=_N, num_buckets=_BANDS, hashes_per_bucket=_HASHES)
    with tempfile.TemporaryDirectory() as folder:
        # str.split in place of spaCy, which every language of it needs: in its favour, since spaCy is far slower.
        first = MinhashDedupSignature(f"{folder}/signatures", config=config, language="ace_Arab")
        first.word_tokenizer = _Split()
        first.run(Document(text=text, id=str(i)) for i, text in enumerate(texts))
        for bucket in range(_BANDS):
            buckets = MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)
            buckets.run(rank=bucket, world_size=_BANDS)
        MinhashDedupCluster(f"{folder}/buckets", f"{folder}/clusters", config=config, save_cluster_id=True).run()
        root, seen = list(range(len(texts))), {}
        for file in Path(f"{folder}/clusters").glob("*.clusters"):
            for row, group in struct.iter_unpack("<II", file.read_bytes()):
                root[row] = seen.setdefault(group, row)
    return root


class _Split:
    def word_tokenize(self, text: str) -> list[str]:
        return text.split()


class _Roots:
    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def find(self, x: int) -> int:
        while self._parent[x] != x:
            self._parent[x] = x = self._parent[self._parent[x]]
        return x

    def join(self, a: int, b: int) -> None:
        first, second = sorted((self.find(a), self.find(b)))
        self._parent[second] = first

    def all(self) -> list[int]:
        return [self.find(x) for x in range(len(self._parent))]


ENGINES: dict[str, Callable[[list[str]], list[int]]] = {
    "ours": ours,
    "datasketch": datasketch,
    "datatrove": datatrove,
    "rensa": rensa,
}


def measure(engine: str, rows: int) -> dict[str, Any]:
    """Return one engine's figures on the planted rows; call it in a fresh process."""
    planted = plant(rows)
    ENGINES[engine](planted.texts[:50])  # imports and tables are not what is measured
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of making the rows
    before = _peak_kib()
    started, cpu = time.perf_counter(), time.process_time()
    root = ENGINES[engine](planted.texts)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    figures: dict[str, Any] = {"engine": engine, "rows": rows, "seconds": seconds, "cpu_seconds": cpu}
    flagged = engine == "rensa"
    for least in (0.7, 0.8):
        true = [(a, b) for a, b, j in planted.copies if j >= least]
        found = sum(root[a] != a if flagged else root[a] == root[b] for a, b in true)
        figures[f"recall_{least}"] = found / len(true)
        figures[f"pairs_{least}"] = len(true)
    similar = {row: j >= 0.7 for row, _, j in planted.copies}
    wrong = [row for row, first in enumerate(root) if first != row and not similar.get(row, False)]
    named = [row for row, first in enumerate(root) if first != row]
    figures["precision"] = None if flagged or not named else 1 - len(wrong) / len(named)
    figures["peak_mib"] = (_peak_kib() - before) / 1024
    return figures


def _peak_kib() -> int:
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])  # type: ignore[index]


def main() -> None:
    """Measure the engines in turn, each in its own process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.near_duplicates", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--one", choices=ENGINES, help="measure one engine in this process and print JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.rows)))
        return
    print(f"{'engine':<12}{'rows':>9}{'seconds':>9}{'rows/s':>9}{'rows/cpu s':>11}", end="")
    print(f"{'recall .7':>11}{'recall .8':>11}{'precision':>11}{'MiB':>7}")
    for _ in range(options.repeats):
        for engine in options.engines.split(","):
            command = [sys.executable, "-m", "benchmarks.near_duplicates", "--one", engine, "--rows", str(options.rows)]
            f = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
            precision = "-" if f["precision"] is None else f"{f['precision']:.4f}"
            print(f"{engine:<12}{f['rows']:>9,}{f['seconds']:>9.1f}{f['rows'] / f['seconds']:>9,.0f}", end="")
            print(f"{f['rows'] / f['cpu_seconds']:>11,.0f}{f['recall_0.7']:>11.4f}{f['recall_0.8']:>11.4f}", end="")
            print(f"{precision:>11}{f['peak_mib']:>7,.0f}", flush=True)


if __name__ == "__main__":
    main()
