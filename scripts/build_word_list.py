"""Make `src/tunesmith/checks/data/english_words.txt.gz`: the words of public-domain English prose.

    python scripts/build_word_list.py us_gov.jsonl.gz classics.jsonl.gz fiction.jsonl.gz --out english_words.txt.gz

A word counts where it stands in lower case (so names mostly do not). Known words occur in at least two of the
documents; common ones, which a slip may be measured against, at least `--common` times.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

WORD = re.compile(r"(?<![\w'’-])[a-z]+(?:['’][a-z]+)?(?![\w-])")


def texts(path: Path) -> Iterator[str]:
    """Yield the text of every line of a gzip file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


def word_list(paths: list[Path], *, common: int) -> bytes:
    """Return the compressed list: common words, an empty line, the other known words; each part sorted."""
    counts: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    for path in paths:
        for text in texts(path):
            words = [word.replace("’", "'") for word in WORD.findall(text)]
            counts.update(words)
            documents.update(set(words))
    known = sorted(word for word, n in documents.items() if n >= 2)
    frequent = [word for word in known if counts[word] >= common and documents[word] >= 5]
    rare = [word for word in known if counts[word] < common or documents[word] < 5]
    return gzip.compress("\n\n".join(("\n".join(frequent), "\n".join(rare))).encode(), 9, mtime=0)


def main() -> None:
    """Read the command line and write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--common", type=int, default=30)
    given = parser.parse_args()
    given.out.write_bytes(word_list(given.files, common=given.common))


if __name__ == "__main__":
    main()
