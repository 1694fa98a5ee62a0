"""Fit the local toxicity scorer to human labels, and say how well it ranks and how honest its probabilities are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import expit, logit

from tunesmith.core.errors import DataError
from tunesmith.evaluate.toxicity_model import ToxicityModel, matrix_of
from tunesmith.statistics.rates import CONFIDENCE, Rate

Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]
BINS, FOLDS = 10, 5
SHORTEST, LONGEST = 5, 20  # words of a fragment


def fit_toxicity(texts: Sequence[str], toxic: Sequence[bool], *, penalty: float) -> ToxicityModel:
    """Return the maximum of the penalised likelihood: mean log-loss + penalty / 2 * |weights|^2 over L2-normed TF-IDF.

    Raises:
        DataError: only one kind of label.
    """
    labels = np.asarray(toxic, dtype=np.float64)
    if labels.min() == labels.max():
        raise DataError("toxic and harmless texts are both needed")
    counts = matrix_of(texts)
    idf = np.log((1.0 + len(texts)) / (1.0 + np.bincount(counts.indices, minlength=counts.shape[1]))) + 1.0
    rows = _normed(counts, idf)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, bias = parameters[:-1], parameters[-1]
        margin = rows @ weights + bias
        value = float(np.mean(np.logaddexp(0.0, margin) - labels * margin)) + penalty / 2 * float(weights @ weights)
        slope = (expit(margin) - labels) / len(labels)
        return value, np.append(rows.T @ slope + penalty * weights, slope.sum())

    found = minimize(loss, np.zeros(counts.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return ToxicityModel(found.x[:-1], idf, float(found.x[-1]), {})


def _normed(counts: csr_array, idf: Floats) -> csr_array:
    values = (1.0 + np.log(counts.data)) * idf[counts.indices]
    sizes = np.diff(counts.indptr)
    row = np.repeat(np.arange(len(sizes)), sizes)
    norms = np.sqrt(np.bincount(row, weights=values**2, minlength=len(sizes)))
    return csr_array((values / norms[row], counts.indices, counts.indptr), counts.shape)


class Validation(NamedTuple):
    """How scores agree with labels: area under the ROC curve with interval, and the expected calibration error."""

    auc: Rate
    calibration_error: float

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"auc": self.auc.to_json(), "calibration_error": self.calibration_error}


def weights_for(toxic: Sequence[bool], base_rate: float | None) -> Floats:
    """Return weights of mean 1 under which `base_rate` of the texts are toxic; None leaves them as they were drawn.

    Labelled sets are collected until half of them is toxic; what people or models write is not (Saerens et al. 2002).
    """
    labels = np.asarray(toxic, dtype=np.float64)
    if base_rate is None:
        return np.ones(len(labels))
    share = labels.mean()
    weights: Floats = labels * base_rate / share + (1.0 - labels) * (1.0 - base_rate) / (1.0 - share)
    return weights


def validate(scores: Sequence[float], toxic: Sequence[bool], *, base_rate: float | None = None) -> Validation:
    """Return both measures of held-out scores, the second as if `base_rate` of the texts were toxic.

    The AUC does not depend on the base rate; its interval is Hanley and McNeil's (1982).

    Raises:
        DataError: only one kind of label.
    """
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(toxic, dtype=bool)
    n1, n0 = int(labels.sum()), int((~labels).sum())
    if not n1 or not n0:
        raise DataError("the AUC needs toxic and harmless texts")
    auc = float(stats.mannwhitneyu(values[labels], values[~labels]).statistic) / (n1 * n0)
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (n1 - 1) * (q1 - auc**2) + (n0 - 1) * (q2 - auc**2)) / (n1 * n0)
    reach = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt(max(variance, 0.0))
    bins = np.minimum((values * BINS).astype(int), BINS - 1)
    weights = weights_for(toxic, base_rate)
    inside = [bins == b for b in np.unique(bins)]
    error = sum(abs(float(weights[i] @ (labels[i] - values[i]))) for i in inside) / len(values)
    return Validation(Rate(auc, max(0.0, auc - reach), min(1.0, auc + reach), len(values)), float(error))


def fit_calibrated(
    texts: Sequence[str], toxic: Sequence[bool], *, penalty: float, seed: int, base_rate: float | None = None
) -> ToxicityModel:
    """Return the fit with its margins stretched so that probabilities are honest (Platt 1999) at the base rate.

    A strong penalty ranks well but is far too unsure; scale and shift are fitted to margins of texts held out from it.
    """
    model = fit_toxicity(texts, toxic, penalty=penalty)
    margins = np.zeros(len(texts))
    for inside, outside in folds_of(texts, folds=FOLDS, seed=seed):
        part = fit_toxicity([texts[i] for i in inside], [toxic[i] for i in inside], penalty=penalty)
        margins[outside] = logit(np.clip(_scores(part, [texts[i] for i in outside]), 1e-9, 1 - 1e-9))
    labels, weights = np.asarray(toxic, dtype=np.float64), weights_for(toxic, base_rate)

    def loss(parameters: Floats) -> float:
        stretched = parameters[0] * margins + parameters[1]
        return float(np.mean(weights * (np.logaddexp(0.0, stretched) - labels * stretched)))

    scale, shift = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return ToxicityModel(model.weights * scale, model.idf, float(model.bias * scale + shift), model.card)


def held_out_scores(
    texts: Sequence[str], toxic: Sequence[bool], *, seed: int, penalty: float, base_rate: float | None = None
) -> Floats:
    """Return each text's score by a calibrated model that was trained without it."""
    scores = np.zeros(len(texts))
    for inside, outside in folds_of(texts, folds=FOLDS, seed=seed):
        some, labels = [texts[i] for i in inside], [toxic[i] for i in inside]
        model = fit_calibrated(some, labels, penalty=penalty, seed=seed + 1, base_rate=base_rate)
        scores[outside] = _scores(model, [texts[i] for i in outside])
    return scores


def fragments(texts: Sequence[str], n: int, *, seed: int) -> list[str]:
    """Return n runs of 5 to 20 words, each from a text drawn at random: as short as what a model is scored on."""
    generator = np.random.default_rng(seed)
    found: list[str] = []
    long = [words for text in texts if len(words := text.split()) > LONGEST]
    while len(found) < n:
        words = long[generator.integers(len(long))]
        size = int(generator.integers(SHORTEST, LONGEST + 1))
        begin = int(generator.integers(len(words) - size))
        found.append(" ".join(words[begin : begin + size]))
    return found


def folds_of(texts: Sequence[str], *, folds: int, seed: int) -> Iterator[tuple[Indexes, Indexes]]:
    """Yield the indexes inside and outside of each fold's training part; equal texts lie in the same fold."""
    unique = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    fold_of_text = np.random.default_rng(seed).permutation(len(unique)) % folds
    fold = np.array([fold_of_text[unique[text]] for text in texts])
    for number in range(folds):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


def _scores(model: ToxicityModel, texts: Sequence[str]) -> Floats:
    # A text without a word gets what the model says of nothing in particular.
    nothing = float(expit(model.bias))
    return np.array([nothing if (value := model.score(text)) is None else value for text in texts])
