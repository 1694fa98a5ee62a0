"""Metrics against references for your own task: exact, contains, regex, JSON, token F1, ROUGE, BLEU, or your function.

Over several references the best counts. A metric that cannot judge an item (no pattern, a reference that is no JSON)
leaves it unscored.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import did_you_mean
from tunesmith.evaluate.instructions.forms import bare_json
from tunesmith.evaluate.scorer import Measure, Response, Scorer, Values, require_written
from tunesmith.evaluate.scorers.bleu import sentence_bleu
from tunesmith.evaluate.scorers.token_f1 import exact_match, normalised, token_f1
from tunesmith.make.rouge import rouge_l, rouge_n, tokens

Metric = Callable[[str, Mapping[str, Any]], float | None]


class Named(NamedTuple):
    """A metric with its label."""

    label: str
    judge: Metric


def _best(compare: Callable[[str, str], float]) -> Metric:
    def judge(text: str, target: Mapping[str, Any]) -> float | None:
        return max((compare(text, reference) for reference in target["references"]), default=None)

    return judge


def contains(text: str, reference: str) -> float:
    """Return 1 where the reference occurs in the text, after SQuAD's normalisation."""
    return float(f" {normalised(reference)} " in f" {normalised(text)} ")


def matches_pattern(text: str, target: Mapping[str, Any]) -> float | None:
    """Return 1 where the item's regular expression is found; None where the item has none."""
    pattern = target.get("pattern")
    return None if not pattern else float(re.search(pattern, text) is not None)


def json_equal(text: str, target: Mapping[str, Any]) -> float | None:
    """Return 1 where text and a reference are the same JSON value, whatever the order of keys; fences do not count."""
    wanted = [value for reference in target["references"] if (value := _parsed(reference)) is not None]
    if not wanted:
        return None
    found = _parsed(text)
    return float(found is not None and any(found == value for value in wanted))


def _parsed(text: str) -> tuple[Any] | None:
    """Return the value in a tuple (JSON's null is a value), or None where the text is no JSON."""
    try:
        return (json.loads(bare_json(text)),)
    except ValueError:
        return None


METRICS: Mapping[str, Named] = {
    "exact": Named("exact match", _best(exact_match)),
    "contains": Named("contains the reference", _best(contains)),
    "regex": Named("matches its pattern", matches_pattern),
    "json_equal": Named("equal JSON", json_equal),
    "f1": Named("token F1", _best(token_f1)),
    "rouge_1": Named("ROUGE-1", _best(lambda text, ref: rouge_n(tokens(text), tokens(ref), 1))),
    "rouge_2": Named("ROUGE-2", _best(lambda text, ref: rouge_n(tokens(text), tokens(ref), 2))),
    "rouge_l": Named("ROUGE-L", _best(lambda text, ref: rouge_l(tokens(text), tokens(ref)))),
    "bleu": Named("sentence BLEU", lambda text, target: sentence_bleu(text, target["references"])),
}


class TextMetric:
    """One metric as a scorer, its values in [0, 1]."""

    def __init__(self, name: str, metric: Named) -> None:
        self.name = name
        self.measures: Sequence[Measure] = (Measure(name, metric.label, primary=True),)
        self._judge = metric.judge

    def score(self, target: Mapping[str, Any], response: Response) -> Values:
        """Return the value of each completion that the metric can judge."""
        values = [self._judge(text, target) for text in require_written(response).texts]
        return {self.name: [value for value in values if value is not None]}


def metric_named(name: str) -> Scorer:
    """Return a metric by its name, or your own function as `module:function`.

    Your function gets prompt, completion and the list of references, and returns a number from 0 to 1, a bool, or None
    for "cannot judge". It is imported from the Python path: your code, run with your rights.

    Raises:
        ConfigError: no such metric or function.
    """
    if name in METRICS:
        return TextMetric(name, METRICS[name])
    module, colon, function = name.partition(":")
    if not colon:
        raise ConfigError(
            f"no metric {name!r}", where="metric", remedy=did_you_mean(name, METRICS) or "give module:function"
        )
    try:
        own = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"cannot find your metric {name!r}", where="metric", why=str(error)) from error
    return TextMetric(function, Named(function.replace("_", " "), _own(own, name)))


def _own(function: Callable[..., Any], name: str) -> Metric:
    def judge(text: str, target: Mapping[str, Any]) -> float | None:
        value = function(target.get("prompt", ""), text, list(target["references"]))
        if value is None:
            return None
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ConfigError(f"your metric returned {value!r}", where=name, remedy="return 0 to 1, a bool, or None")
        return float(value)

    return judge
