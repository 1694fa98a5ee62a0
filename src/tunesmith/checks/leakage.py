"""Test data in training data: rows that hold the texts of an evaluation set, and splits that share prompts.

Against references (any file: TruthfulQA, GSM8K, your own test set): a row is compared by runs of `run_words` words,
8 as in Llama 3 (arXiv 2407.21783, section 5.1.4); GPT-3 (arXiv 2005.14165, appendix C) uses 13, which a short question
does not have. A row leaks when it holds at least `min_share` of the different runs of one reference text. Runs that
occur in more than `common` reference texts are boilerplate and do not count (GPT-3 leaves out those of more than 10). A
reference text shorter than a run counts when it has at least `min_words` words, and leaks when its words stand in a
row's text, as a whole text of the record (a message, a completion). Runs of mere figures do not count: anyone counts to
nine.

At least 90 % of a text's runs are an error, less is a warning: questions of one form share that much.

Between splits: prompts of two splits whose Jaccard similarity reaches the threshold of `checks/near.py`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.finding import CheckResult, Finding, Severity
from tunesmith.checks.near import NearSettings, Sketch, cluster, sketch_of
from tunesmith.checks.places import Places, joined, places_of
from tunesmith.checks.texts import asked, digests, whole
from tunesmith.checks.words import Hashes, Runs, Words, runs_of, words_of
from tunesmith.core.config import Strict

_FILTER_BITS = 22
# Below it, two questions of one form ("the capital of Austria", "... of Portugal") are as likely as a leak.
_SURE_SHARE = 0.9
_SPLIT_WORD = re.compile(r"(?<![a-z])(?:train|test|valid|validation|val|dev|eval|heldout)(?:ing)?(?![a-z])")


class LeakageConfig(Strict):
    """What counts as a leak."""

    run_words: int = Field(default=8, ge=2, description="words in a run (8: Llama 3, 13: GPT-3)")
    min_share: float = Field(default=0.5, gt=0, le=1, description="share of a reference text's runs found in one row")
    common: int = Field(default=10, ge=1, description="a run in more reference texts than this is boilerplate")
    min_words: int = Field(default=4, ge=1, description="shorter reference texts are not looked for")


class ReferenceText(NamedTuple):
    """One text that must not be in the data: where it stands (`file:line`) and what it says."""

    place: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The index of the reference texts, built once and sent to every process.

    `runs` (m,) are the sorted hashes of the runs that count; run i occurs in texts `owners[bounds[i]:bounds[i + 1]]`;
    `sizes` (texts,) is how many such runs each text has; `seen` is a filter over the upper bits of the hashes: False
    means that no run begins so. `skipped` counts texts without a run that counts. Two indices are equal if their
    `digest` is, so that a worker builds its check once.
    """

    places: tuple[str, ...]
    runs: Hashes
    bounds: NDArray[np.int64]
    owners: NDArray[np.int32]
    sizes: NDArray[np.int64]
    seen: NDArray[np.bool_]
    run_words: int
    skipped: int
    digest: str

    def __eq__(self, other: object) -> bool:
        """Compare by digest."""
        return isinstance(other, Reference) and other.digest == self.digest

    def __hash__(self) -> int:
        """Hash by digest."""
        return hash(self.digest)


def index(texts: Iterable[ReferenceText], config: LeakageConfig) -> Reference:
    """Return the index of the reference texts; about 30 bytes for each different run."""
    # A text that several rows repeat (a passage with many questions) is one text, or it would pass for boilerplate.
    given = list({text.text: text for text in reversed(list(texts))}.values())[::-1]
    words = words_of([text.text for text in given])
    runs = runs_of(words, config.run_words)
    owner = np.repeat(np.arange(len(given)), np.diff(runs.bounds))
    usable = (words.counts[owner] >= config.min_words) & _lettered(words, runs, owner, config.run_words)
    order = np.lexsort((owner[usable], runs.hashes[usable]))
    hashes, owner = runs.hashes[usable][order], owner[usable][order]
    fresh = np.ones(len(hashes), dtype=bool)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    hashes, owner = hashes[fresh], owner[fresh]
    distinct, counts = np.unique(hashes, return_counts=True)
    keep = counts <= config.common
    kept = np.repeat(keep, counts)
    seen = np.zeros(1 << _FILTER_BITS, dtype=bool)
    seen[(distinct[keep] >> np.uint64(64 - _FILTER_BITS)).astype(np.int64)] = True
    sizes = np.bincount(owner[kept], minlength=len(given))
    return Reference(
        places=tuple(text.place for text in given),
        runs=distinct[keep],
        bounds=np.concatenate([[0], np.cumsum(counts[keep])]),
        owners=owner[kept].astype(np.int32),
        sizes=sizes,
        seen=seen,
        run_words=config.run_words,
        skipped=int((sizes == 0).sum()),
        digest=_digest(given, config),
    )


def _lettered(words: Words, runs: Runs, owner: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Tell which runs hold a letter, shape (runs,)."""
    data = np.frombuffer(words.buffer, dtype=np.uint8)
    letters = np.concatenate([[0], np.cumsum(((data >= ord("a")) & (data <= ord("z"))) | (data >= 0x80))])
    first = words.bounds[owner] + np.arange(len(owner)) - runs.bounds[owner]
    last = np.minimum(first + n, words.bounds[owner + 1]) - 1
    return np.asarray(letters[words.ends[last]] > letters[words.starts[first]])


def _digest(texts: Sequence[ReferenceText], config: LeakageConfig) -> str:
    digest = hashlib.sha256(config.model_dump_json().encode())
    for text in texts:
        digest.update(f"{text.place}\0{text.text}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class LeakagePart(NamedTuple):
    """Rows that share runs with references: parallel arrays (hits,) of file:line, reference and share in (0, 1]."""

    places: Places
    reference: NDArray[np.int32]
    share: NDArray[np.float32]
    rows: int


class Leakage:
    """Rows that hold the texts of reference files."""

    name = "leakage"
    source = "n-gram overlap: Llama 3 (arXiv 2407.21783, 5.1.4), GPT-3 (arXiv 2005.14165, appendix C)"

    def __init__(self, reference: Reference, config: LeakageConfig | None = None) -> None:
        self.config = config or LeakageConfig(run_words=reference.run_words)
        self.reference = reference

    def chunk(self, rows: Sequence[CheckedRow]) -> LeakagePart:
        """Return the reference text that each row holds most of, for rows that hold enough of one."""
        row, text, shared = self._hits(rows)
        share = shared / self.reference.sizes[text]
        enough = share >= self.config.min_share
        row, text, share = row[enough], text[enough], share[enough]
        # The best reference of each row: of equal shares the longest text, then the first.
        order = np.lexsort((text, -self.reference.sizes[text], -share, row))
        best = order[np.unique(row[order], return_index=True)[1]]
        leaking = [rows[i] for i in row[best].tolist()]
        return LeakagePart(places_of(leaking), text[best].astype(np.int32), share[best].astype(np.float32), len(rows))

    def conclude(self, parts: Iterable[LeakagePart]) -> CheckResult:
        """Return one finding for each leaking row, naming the reference text."""
        kept = list(parts)
        places = joined(part.places for part in kept)
        text = np.concatenate([np.zeros(0, np.int32), *(part.reference for part in kept)])
        share = np.concatenate([np.zeros(0, np.float32), *(part.share for part in kept)])
        findings = []
        for i in range(len(places)):
            file, line = places.at(i)
            what = f"{share[i]:.0%} of the {self.reference.run_words}-word runs" if self._long(text[i]) else "the whole"
            reason = f"holds {what} of {self.reference.places[text[i]]}"
            severity: Severity = "error" if share[i] >= _SURE_SHARE else "warning"
            findings.append(Finding(file, line, "", "leakage.reference", reason, severity))
        numbers = {
            "rows": sum(part.rows for part in kept),
            "leaking_rows": len(findings),
            "reference_texts": len(self.reference.places),
            "reference_texts_found": len(np.unique(text)),
            "reference_texts_without_countable_run": self.reference.skipped,
        }
        advice = (f"remove {len(findings):,} rows before evaluating: they hold test texts",) if findings else ()
        return CheckResult(check=self.name, findings=findings, numbers=numbers, advice=advice)

    def _long(self, text: int) -> bool:
        return bool(self.reference.sizes[text] > 1)

    def _hits(self, rows: Sequence[CheckedRow]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return (row, reference text, runs shared) for each pair that shares any; arrays of shape (pairs,)."""
        texts = [text.text for row in rows for text in row.texts]
        per_row = np.array([len(row.texts) for row in rows], dtype=np.int64)
        runs: Runs = runs_of(words_of(texts), self.reference.run_words)
        row_of = np.repeat(np.repeat(np.arange(len(rows)), per_row), np.diff(runs.bounds))
        maybe = np.flatnonzero(self.reference.seen[(runs.hashes >> np.uint64(64 - _FILTER_BITS)).astype(np.int64)])
        none = np.zeros(0, dtype=np.int64)
        if not len(maybe):
            return none, none, none
        at = np.minimum(np.searchsorted(self.reference.runs, runs.hashes[maybe]), len(self.reference.runs) - 1)
        found = self.reference.runs[at] == runs.hashes[maybe]
        # A run said twice in a row counts once.
        pairs = np.unique(np.stack([row_of[maybe[found]], at[found]]), axis=1)
        times = np.diff(self.reference.bounds)[pairs[1]]
        offset = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        text = self.reference.owners[np.repeat(self.reference.bounds[pairs[1]], times) + offset].astype(np.int64)
        codes, shared = np.unique(np.repeat(pairs[0], times) * len(self.reference.places) + text, return_counts=True)
        row, text = np.divmod(codes, len(self.reference.places))
        return row, text, shared


class SplitsPart(NamedTuple):
    """What is kept of N rows: places, split names by number, digests (0: no prompt) and sketches of the prompts."""

    places: Places
    splits: tuple[str, ...]
    split_of: NDArray[np.int32]
    prompts: NDArray[np.uint64]
    sketch: Sketch


class SplitLeakage:
    """Prompts that stand in more than one split.

    A row's split is `meta["split"]`; else, with `by_file`, the split that its file is named after (train, test, dev
    and the like; a snapshot's folder), else its file. Between named splits a shared prompt is an error, between other
    files a warning: nobody said that one of them tests the other; a prompt that is only nearly the same weighs one step
    less. Rows without a split are counted and not compared. Documents are compared by their text.
    """

    name = "split_leakage"
    source = "Lee et al. 2021 (arXiv 2107.06499), section 6: train-test overlap by near duplicates"

    def __init__(self, near: NearSettings | None = None, *, by_file: bool = True) -> None:
        self.near = near or NearSettings()
        self.by_file = by_file

    def chunk(self, rows: Sequence[CheckedRow]) -> SplitsPart:
        """Return the prompts' digests and sketches."""
        names = [self._split(row) for row in rows]
        # Without a split there is nothing to compare a row with: no sketch is made of it.
        prompts = [
            (asked(row.record) or whole(row.record)) if name else "" for row, name in zip(rows, names, strict=True)
        ]
        splits = {name: i for i, name in enumerate(dict.fromkeys(names))}
        split_of = np.array([splits[name] for name in names], dtype=np.int32)
        return SplitsPart(places_of(rows), tuple(splits), split_of, digests(prompts), sketch_of(prompts, self.near))

    def conclude(self, parts: Iterable[SplitsPart]) -> CheckResult:
        """Return a finding for each row whose prompt, or nearly, stands in a split that came before.

        `numbers["between"]`: rows by pair of splits, "earlier / later".
        """
        kept = list(parts)
        places = joined(part.places for part in kept)
        splits, split_of = _splits(kept)
        without = int((split_of == splits.index("")).sum()) if "" in splits else 0
        named = [name for name in splits if name]
        counts = {"rows": len(places), "rows_without_a_split": without, "splits": len(named)}
        if len(named) < 2:
            return CheckResult(check=self.name, numbers=counts, advice=("there are no two splits to compare",))
        prompts = np.concatenate([np.zeros(0, np.uint64), *(part.prompts for part in kept)])
        _, first, inverse = np.unique(prompts, return_index=True, return_inverse=True)
        exact = np.where(prompts > 0, first[inverse], np.arange(len(prompts)))
        near = cluster([part.sketch for part in kept], exact != np.arange(len(exact)), self.near)
        origin = near.first_of[exact]
        findings, between = [], dict[str, int]()
        for row in np.flatnonzero(split_of != split_of[origin]).tolist():
            source = int(origin[row])
            how = "the prompt" if exact[row] == source else "nearly the prompt"
            pair = f"{splits[split_of[source]]} / {splits[split_of[row]]}"
            between[pair] = between.get(pair, 0) + 1
            file, line = places.at(row)
            reason = f"{how} of {places.named(source)}, which is in the split {splits[split_of[source]]}"
            files = {splits[split_of[source]], splits[split_of[row]]} & set(places.files)
            steps = int(bool(files)) + int(exact[row] != source)
            severity: Severity = ("error", "warning", "note")[steps]
            findings.append(Finding(file, line, "", "split_leakage.prompt", reason, severity))
        numbers = {**counts, "leaking_rows": len(findings), "between": between}
        advice = ("split by prompt: no prompt may stand in two splits",) if findings else ()
        return CheckResult(check=self.name, findings=findings, numbers=numbers, advice=advice)

    def _split(self, row: CheckedRow) -> str:
        label = row.record.meta.get("split")
        if label not in (None, ""):
            return str(label)
        if not self.by_file:
            return ""
        path = PurePath(row.file)
        word = _SPLIT_WORD.search((path.parent.name if path.name == "records.jsonl" else path.name).lower())
        return word.group() if word else row.file


def _splits(parts: Sequence[SplitsPart]) -> tuple[list[str], NDArray[np.int64]]:
    names: dict[str, int] = {}
    numbered = [np.zeros(0, dtype=np.int64)]
    for part in parts:
        renamed = np.array([names.setdefault(name, len(names)) for name in part.splits], dtype=np.int64)
        numbered.append(renamed[part.split_of])
    return list(names), np.concatenate(numbered)


def reference_texts(rows: Iterable[CheckedRow], config: LeakageConfig) -> Iterator[ReferenceText]:
    """Yield the texts of reference rows that are worth looking for.

    All that users say, and documents; of answers only those of at least `run_words` words, since "I do not know" is
    nobody's secret; no system messages, which are shared by design.
    """
    for row in rows:
        for text in row.texts:
            asked_for = text.role in ("user", "document")
            if asked_for or (text.role != "system" and len(text.text.split()) >= config.run_words):
                yield ReferenceText(f"{row.file}:{row.line}", text.text)
