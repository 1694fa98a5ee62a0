"""Is this one well-defined mapping from input to output, or several, and does the output depend on the input at all?

A small model learns one mapping from a few hundred rows, and many from none. On a sample of questions with answers:

* `tasks` and `forms`: the effective number, exp(entropy), of guessed or labelled tasks (`checks/scenario_rules.py`) and
  of the answers' outer forms (json, code, list, number, label, prose). `verdict` is "one" when
  one task and one form hold at least `one` of the rows, "several" when one of them has no share of `several`, else
  "unclear". The thresholds are a house rule, tried on known sets (docs/data.md).
* `copy_link`: how much more an answer resembles its own question (cosine of TF-IDF vectors) than other questions.
* `mapping_link`: how much more the answers of two most similar questions resemble each other than other answers do:
  a label need not repeat a word of its question, but like questions should have like labels.

Both links are differences of means, in [-1, 1], with a 95 % interval (bootstrap over rows) and the p-value of a
permutation test (Good 2005): answers shuffled among the questions. They see words only: a translation into another
alphabet has a mapping link at best. Rows that repeat a question are left out of `mapping_link`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.finding import CheckResult
from tunesmith.checks.sample import Sampled, drawn, gathered, last_line
from tunesmith.checks.scenario_rules import task_of
from tunesmith.checks.texts import answered, subject
from tunesmith.checks.tf_idf import vectors
from tunesmith.core.config import Strict

Floats = NDArray[np.float64]
_SHUFFLES = 999
_RESAMPLES = 1000


class OneTaskConfig(Strict):
    """How much is sampled, and what counts as one task."""

    sample: int = Field(default=800, ge=50, description="questions with answers that are compared, about")
    characters: int = Field(default=1000, ge=100, description="of a question's and an answer's beginning that are read")
    one: float = Field(default=0.8, gt=0, le=1, description="share of one task and of one form that makes one mapping")
    several: float = Field(default=0.6, gt=0, le=1, description="without a task or form of this share it is several")
    significance: float = Field(default=0.01, gt=0, lt=1, description="p-value below which a link is there")
    seed: int = Field(default=0, description="of the sample, the shuffles and the intervals")


class Pair(NamedTuple):
    """A sampled question with its answer and its task, labelled or guessed."""

    question: str
    answer: str
    task: str


class OneTask:
    """One mapping or several, and the link between question and answer."""

    name = "one_task"
    source = "permutation test: Good 2005; the definition of one mapping is a house rule"

    def __init__(self, config: OneTaskConfig | None = None) -> None:
        self.config = config or OneTaskConfig()

    def chunk(self, rows: Sequence[CheckedRow]) -> Sampled[Pair]:
        """Return the sampled rows that have an answer."""
        chosen, keys = drawn(rows, self.config.sample, self.config.seed)
        kept = [self._pair(rows[i]) for i in chosen.tolist()]
        return Sampled(keys.tolist(), kept, len(rows), last_line(rows))

    def conclude(self, parts: Iterable[Sampled[Pair]]) -> CheckResult:
        """Return the verdict and the two links.

        `plots`: `tasks` and `forms`: {name: sampled rows}; `links`: {"edges", "own", "other"}, histograms of the cosine
        similarity of answers to their own question and to other questions.
        """
        sample = gathered(parts, self.config.sample)
        pairs = [pair for pair in sample.values if pair.question.strip() and pair.answer.strip()]
        sizes = {"rows": sample.rows, "sampled_pairs": len(pairs)}
        if len(pairs) < 20:
            advice = ("fewer than 20 sampled answers: too few to judge",)
            return CheckResult(check=self.name, numbers=sizes, advice=advice)
        tasks, forms = Counter(pair.task for pair in pairs), Counter(form_of(pair.answer) for pair in pairs)
        alike = _similarities(pairs)
        links = {
            "copy_link": copy_link(alike, seed=self.config.seed),
            "mapping_link": mapping_link(alike, seed=self.config.seed),
        }
        numbers = {
            **sizes,
            "verdict": self._verdict(tasks, forms),
            **_spread("tasks", tasks),
            **_spread("forms", forms),
            **links,
        }
        plots = {
            "tasks": dict(tasks.most_common()),
            "forms": dict(forms.most_common()),
            "links": _histograms(alike.across),
        }
        return CheckResult(check=self.name, numbers=numbers, plots=plots, advice=self._advice(numbers))

    def _pair(self, row: CheckedRow) -> Pair:
        most = self.config.characters
        label = row.record.meta.get("task")
        task = label if isinstance(label, str) and label else _mapping(task_of(row.record).name)
        return Pair(subject(row.record)[:most], answered(row.record)[:most], task)

    def _verdict(self, tasks: Counter[str], forms: Counter[str]) -> str:
        shares = [counts.most_common(1)[0][1] / counts.total() for counts in (tasks, forms)]
        if min(shares) >= self.config.one:
            return "one"
        return "several" if min(shares) < self.config.several else "unclear"

    def _advice(self, numbers: Mapping[str, Any]) -> tuple[str, ...]:
        advice = []
        if numbers["verdict"] == "several":
            advice.append("several mappings in one data set: give each task its own instruction, or its own data set")
        if all(not self._linked(numbers[name]) for name in ("copy_link", "mapping_link")):
            advice.append(
                "no link between questions and answers was found: check that they were not shuffled or misjoined"
            )
        return tuple(advice)

    def _linked(self, link: Mapping[str, Any] | None) -> bool:
        return link is not None and link["p_value"] < self.config.significance and link["value"] > 0


def _mapping(task: str) -> str:
    """Return a guessed task's mapping: whether a question is open, closed or a chat turn is too fine for a guess."""
    return "answering" if task in ("open_qa", "closed_qa", "chat", "other") else task


class Similarities(NamedTuple):
    """Cosine similarities (m, m): of questions i to answers j, of questions, of answers."""

    across: Floats
    questions: Floats
    answers: Floats


def _similarities(pairs: Sequence[Pair]) -> Similarities:
    m = len(pairs)
    matrix = vectors([pair.question for pair in pairs] + [pair.answer for pair in pairs]).matrix
    full = np.asarray((matrix @ matrix.T).todense(), dtype=np.float64)
    answers = full[m:, m:]
    # Two answers of words that nobody else uses have no vector; equal they are all the same.
    texts = [" ".join(pair.answer.lower().split()) for pair in pairs]
    codes = np.unique(texts, return_inverse=True)[1]
    answers = np.where(codes[:, None] == codes[None, :], 1.0, answers)
    return Similarities(full[:m, m:], full[:m, :m], answers)


def copy_link(alike: Similarities, *, seed: int) -> dict[str, Any]:
    """Return how much more the answers resemble their own questions than other questions."""
    across, m = alike.across, len(alike.across)
    own = np.diag(across)
    gain = own - (across.sum(axis=1) - own) / (m - 1)
    generator = np.random.default_rng(seed)
    rows = np.arange(m)
    shuffled = np.array([across[rows, generator.permutation(m)].mean() for _ in range(_SHUFFLES)])
    return _link(gain, float(own.mean()), shuffled, generator)


def mapping_link(alike: Similarities, *, seed: int) -> dict[str, Any] | None:
    """Return how much more the answers of most similar questions resemble each other; None: no questions are alike."""
    m = len(alike.questions)
    near = alike.questions.copy()
    near[near > 1.0 - 1e-9] = -1.0  # itself and repeats of it
    nearest = near.argmax(axis=1)
    rows = np.flatnonzero(near[np.arange(m), nearest] > 0.0)
    if len(rows) < 20:
        return None
    others = (alike.answers.sum(axis=1) - np.diag(alike.answers)) / (m - 1)
    seen = alike.answers[rows, nearest[rows]]
    generator = np.random.default_rng(seed)
    shuffled = np.empty(_SHUFFLES)
    for i in range(_SHUFFLES):
        moved = generator.permutation(m)
        shuffled[i] = alike.answers[moved[rows], moved[nearest[rows]]].mean()
    return _link(seen - others[rows], float(seen.mean()), shuffled, generator)


def _link(gain: Floats, observed: float, shuffled: Floats, generator: np.random.Generator) -> dict[str, Any]:
    n = len(gain)
    means = gain[generator.integers(n, size=(_RESAMPLES, n))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    p_value = (1 + int((shuffled >= observed - 1e-12).sum())) / (1 + len(shuffled))
    return {"value": float(gain.mean()), "low": float(low), "high": float(high), "n": n, "p_value": p_value}


_NUMBER = re.compile(r"[-+$€£]?[\d.,]+\s*%?")
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)
_CODE = re.compile(r"```|^\s*(?:def|class|import|from|SELECT|#include|function)\b|[;{]\s*$", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)")


def form_of(answer: str) -> str:
    """Return an answer's outer form: json, code, list, number, label or prose."""
    text = answer.strip()
    words = len(text.split())
    if text[:1] in "{[" and text[-1:] in "}]":
        return "json"
    if _NUMBER.fullmatch(text):
        return "number"
    if _CODE.search(text):
        return "code"
    if len(_ITEM.findall(text)) >= 2:
        return "list"
    if words <= 4 and not _SENTENCE_END.search(text):
        return "label"
    return "prose"


def _spread(name: str, counts: Counter[str]) -> dict[str, float]:
    shares = np.array(list(counts.values())) / counts.total()
    effective = float(np.exp(-(shares * np.log(shares)).sum()))
    return {name: effective, f"largest_share_of_{name}": float(shares.max())}


def _histograms(across: Floats) -> dict[str, list[float]]:
    edges = np.linspace(0.0, 1.0, 21)
    off = ~np.eye(len(across), dtype=bool)
    own, _ = np.histogram(np.clip(np.diag(across), 0, 1), bins=edges)
    other, _ = np.histogram(np.clip(across[off], 0, 1), bins=edges)
    return {"edges": edges.tolist(), "own": own.tolist(), "other": other.tolist()}
