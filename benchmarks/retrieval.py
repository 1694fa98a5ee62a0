"""`python -m benchmarks.retrieval --squad FILE --embedder FOLDER [--questions 600] [--json]`: recall at k.

How often what was asked for is among the first k passages: by words (BM25), by meaning (the embedder), and by both
joined, as `--embedder` searches. One of three sets:

--squad FILE      SQuAD 2.0: its paragraphs under their article's title, questions that have an answer. They were
                  written beside the paragraph and repeat its words, which is BM25's best case.
--medquad FILE    MedQuAD (JSON lines, .gz or not): 646 answers drawn, as many as SQuAD's half has paragraphs, and
                  questions drawn from theirs.
--banking77 FILE  BANKING77 (CSV): one customer's message of each of the 77 intents, drawn, and messages of other
                  customers: none was written beside the one that it looks for.

Both draws are of `numpy.random.default_rng(0)`. Prints recall with 95 % intervals (Wilson's) and the difference between
both and BM25, paired by question (bootstrap).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tunesmith.context.page import Passage
from tunesmith.context.retrieve import Hit, Index
from tunesmith.desk.weights import shipped_base
from tunesmith.model.embedder import open_embedder
from tunesmith.recipes.evaluate import model_folder
from tunesmith.statistics.rates import Rate, paired_difference, wilson

DEPTHS = (1, 5, 10, 20)
WAYS = ("words", "both", "meaning")
_ANSWERS = 646
_NEVER = sys.maxsize  # the place of what a ranking does not have


class Question(NamedTuple):
    """A question, and the passages of which any one answers it."""

    text: str
    wanted: frozenset[str]


class Task(NamedTuple):
    """Passages, and all questions that may be asked of them."""

    passages: list[Passage]
    questions: list[Question]


def squad(file: Path) -> Task:
    """Return the paragraphs, and the questions that have an answer."""
    passages: list[Passage] = []
    questions: list[Question] = []
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            name = str(len(passages))
            passages.append(Passage(name, article["title"], article["title"], "", paragraph["context"]))
            for asked in paragraph["qas"]:
                if not asked["is_impossible"]:
                    questions.append(Question(asked["question"], frozenset({name})))
    return Task(passages, questions)


def medquad(file: Path) -> Task:
    """Return some answers, and their questions; of equal answers each is right."""
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    kept = [rows[i] for i in np.random.default_rng(0).choice(len(rows), _ANSWERS, replace=False)]
    same: dict[str, set[str]] = {}
    for i, row in enumerate(kept):
        same.setdefault(row["answer"], set()).add(str(i))
    passages = [Passage(str(i), row["source"], "", "", row["answer"]) for i, row in enumerate(kept)]
    return Task(passages, [Question(row["question"], frozenset(same[row["answer"]])) for row in kept])


def banking77(file: Path) -> Task:
    """Return one message of each intent, and everybody else's."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    shown: dict[str, int] = {}
    for i in np.random.default_rng(0).permutation(len(rows)).tolist():
        shown.setdefault(rows[i]["category"], i)
    passages = [Passage(intent, intent, "", "", rows[i]["text"]) for intent, i in sorted(shown.items())]
    used = set(shown.values())
    asked = [Question(row["text"], frozenset({row["category"]})) for i, row in enumerate(rows) if i not in used]
    return Task(passages, asked)


SETS = {"squad": squad, "medquad": medquad, "banking77": banking77}


def places(hits: Sequence[Hit], wanted: frozenset[str]) -> dict[str, int]:
    """Return the best place that each way of searching has for what is wanted, from a search of all passages."""
    found = [(place, hit) for place, hit in enumerate(hits, start=1) if hit.passage.id in wanted]
    return {
        "words": min((hit.by_words or _NEVER for _, hit in found), default=_NEVER),
        "both": min((place for place, _ in found), default=_NEVER),
        "meaning": min((hit.by_meaning or _NEVER for _, hit in found), default=_NEVER),
    }


def recall(found: Sequence[Mapping[str, int]]) -> Iterator[tuple[int, dict[str, Rate]]]:
    """Yield k, and by way the share of questions with what is wanted among the first k; `gain` is both less words."""
    for k in DEPTHS:
        within = {way: [float(one[way] <= k) for one in found] for way in WAYS}
        rates = {way: wilson(int(sum(values)), len(values)) for way, values in within.items()}
        yield k, rates | {"gain": paired_difference(within["both"], within["words"], seed=0)}


def cell(rate: Rate, unit: str, sign: str = "") -> str:
    """Return a cell of the table."""
    return f"{100 * rate.value:{sign}.1f}{unit} ({100 * rate.low:{sign}.1f} to {100 * rate.high:{sign}.1f})"


def table(by_depth: Mapping[int, Mapping[str, Rate]]) -> list[str]:
    """Return the rows of a Markdown table."""
    rows = ["| k | BM25 | both | meaning alone | both minus BM25, points |", "|---|---|---|---|---|"]
    for k, rates in by_depth.items():
        cells = [str(k), *(cell(rates[way], " %") for way in WAYS), cell(rates["gain"], "", "+")]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.retrieval", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group(required=True)
    for name in SETS:
        which.add_argument(f"--{name}", type=Path, metavar="FILE")
    parser.add_argument("--embedder", required=True, help="a sentence encoder's folder or hub id, or desk")
    parser.add_argument("--questions", type=int, default=600)
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    return parser.parse_args()


def main() -> None:
    """Search one set in three ways."""
    asked = arguments()
    name = next(name for name in SETS if getattr(asked, name))
    task = SETS[name](getattr(asked, name))
    if not 0 < asked.questions <= len(task.questions):
        sys.exit(f"--questions: this set has 1 to {len(task.questions)}")
    drawn = np.random.default_rng(0).choice(len(task.questions), asked.questions, replace=False)
    index = Index(task.passages, open_embedder(model_folder(asked.embedder), shipped=shipped_base()))
    found = []
    for question in (task.questions[i] for i in drawn):
        found.append(places(index.search(question.text, most=len(task.passages)), question.wanted))
    by_depth = dict(recall(found))
    print(f"{name}: {len(task.passages)} passages, {len(found)} questions of {len(task.questions)}", file=sys.stderr)
    print("\n".join(table(by_depth)), file=sys.stderr)
    if asked.json:
        body: dict[str, Any] = {"set": name, "embedder": asked.embedder, "passages": len(task.passages)}
        shown = {str(k): {way: rate.to_json() for way, rate in rates.items()} for k, rates in by_depth.items()}
        print(json.dumps(body | {"recall": shown}))


if __name__ == "__main__":
    main()
