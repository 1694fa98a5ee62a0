"""The `results.json` contract: what a run measured, every rate as {"value", "low", "high", "n"}.

Scripts and tests are written against these names. Optional parts are absent, never null or zero, where a run did not
measure them. Numbers that are not rates (perplexity, mean length, distinct-2, calibration error, KL) are plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from tunesmith.core.errors import DataError
from tunesmith.evaluate.calibration import ReliabilityBin
from tunesmith.evaluate.overoptimisation import OveroptimisationFit, OveroptimisationPoint
from tunesmith.evaluate.win_rate import Preference, WinRate
from tunesmith.statistics.rates import Rate
from tunesmith.train.durable import json_bytes, replace_file


def _rate(value: object) -> object:
    if isinstance(value, Rate) or value is None:
        return value
    if not isinstance(value, Mapping) or set(value) != {"value", "low", "high", "n"}:
        raise ValueError('a rate is an object of "value", "low", "high" and "n"')
    rate = Rate(float(value["value"]), float(value["low"]), float(value["high"]), int(value["n"]))
    if not rate.low - 1e-9 <= rate.value <= rate.high + 1e-9 or rate.n < 1:
        raise ValueError("a rate needs low <= value <= high and n >= 1")
    return rate


RateField = Annotated[Rate, BeforeValidator(_rate), PlainSerializer(Rate.to_json)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelResult(_Part):
    """One model on the held-out prompts. `perplexity` is per token on held-out documents; lengths are in tokens.

    `poor_manner`: answers, right or wrong, that doubt what they know, talk down or pad (`tunesmith.desk.manners`).
    `entropy` is nats a token at the temperature that the answers were sampled at, estimated by their own log-probs.
    """

    success: RateField | None = None
    truthful: RateField | None = None
    toxic: RateField | None = None
    poor_manner: RateField | None = None
    by_task: dict[str, RateField] = {}
    by_scenario: dict[str, RateField] = {}
    perplexity: Finite | None = None
    mean_tokens: Finite | None = None
    distinct_2: Finite | None = None
    entropy: Finite | None = None


class Counts(_Part):
    """Judgements behind a win rate."""

    wins: int
    ties: int
    losses: int


class WinRateResult(_Part):
    """How often the first model is preferred: by the gold judge and by held-out labelers."""

    gold: RateField
    labelers: RateField | None = None
    gold_counts: Counts | None = None
    labeler_counts: Counts | None = None

    @classmethod
    def of(cls, rate: WinRate) -> Self:
        """Return the contract's form of a measured win rate."""
        labelers = rate.labelers
        return cls(
            gold=rate.gold.rate,
            labelers=None if labelers is None else labelers.rate,
            gold_counts=_counts(rate.gold),
            labeler_counts=None if labelers is None else _counts(labelers),
        )


def _counts(preference: Preference) -> Counts:
    return Counts(wins=preference.wins, ties=preference.ties, losses=preference.losses)


class Reliability(_Part):
    """One bar of the calibration plot: mean predicted confidence in [low, high) and the observed agreement."""

    low: Finite
    high: Finite
    predicted: Finite
    observed: RateField
    pairs: int

    @classmethod
    def of(cls, row: ReliabilityBin) -> Self:
        """Return the contract's form of a reliability bin."""
        return cls(low=row.low, high=row.high, predicted=row.predicted, observed=row.observed, pairs=row.pairs)


class RewardModelResult(_Part):
    """The reward model on held-out rankings; `labeler_agreement` is among the held-out labelers.

    `accuracy_shared_pairs` is against the held-out labelers on the pairs that the agreement is counted on: those that
    two of them ordered.
    """

    accuracy: RateField
    accuracy_heldout_labelers: RateField | None = None
    accuracy_shared_pairs: RateField | None = None
    labeler_agreement: RateField | None = None
    labeler_agreement_training: RateField | None = None
    calibration_error: Finite | None = None
    reliability: list[Reliability] = []


class Point(_Part):
    """One policy on the over-optimisation curve: KL in nats, scores as gains over the initial policy."""

    kl: Finite
    proxy: Finite
    gold: Finite


class Fit(_Part):
    """The fitted gold score; the peak is absent where the curve never falls."""

    method: Literal["best_of_n", "rl"]
    alpha: Finite
    beta: Finite
    r_squared: Finite
    peak_kl: Finite | None = None
    peak_gold: Finite | None = None
    reached: bool


class OveroptimisationResult(_Part):
    """Gold against proxy over KL (Gao et al. 2022)."""

    points: list[Point]
    fit: Fit | None = None

    @classmethod
    def of(cls, points: list[OveroptimisationPoint], fitted: OveroptimisationFit | None) -> Self:
        """Return the contract's form of measured points and their fit."""
        rows = [Point(kl=p.kl, proxy=p.proxy, gold=p.gold) for p in points]
        return cls(points=rows, fit=None if fitted is None else Fit(**fitted._asdict()))


class Results(_Part):
    """Everything a run measured.

    `seconds` and `tokens_per_second` are per stage, `seconds` with a `total`; `kl` is of PPO-ptx from SFT in nats per
    completion; `differences` are paired, first model minus second, in shares of one. `overoptimisation` is of PPO
    without KL penalty, `best_of_n` of the SFT model's own samples, against the same reward model.
    """

    seed: int
    seconds: dict[str, Finite]
    peak_memory_gib: Finite
    tokens_per_second: dict[str, Finite]
    models: dict[str, ModelResult]
    reward_model: RewardModelResult | None = None
    win_rates: dict[str, WinRateResult] = {}
    differences: dict[str, dict[str, RateField]] = {}
    kl: Finite | None = None
    overoptimisation: OveroptimisationResult | None = None
    best_of_n: OveroptimisationResult | None = None
    paths: dict[str, str] = {}

    @model_validator(mode="after")
    def _has_total(self) -> Self:
        if "total" not in self.seconds:
            raise ValueError('seconds must contain "total"')
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; parts that were not measured are absent."""
        return self.model_dump(mode="json", exclude_none=True)


def validate_results(body: object, *, where: str = "results") -> Results:
    """Return the results in a JSON value.

    Raises:
        DataError: a field is missing, unknown or of the wrong form; `where` names it.
    """
    try:
        return Results.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(str(first["msg"]), where=f"{where}:{place}" if place else where) from error


def read_results(path: Path) -> Results:
    """Return the results in a file.

    Raises:
        DataError: the file is missing, is not JSON, or breaks the contract.
    """
    try:
        body = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise DataError("cannot read results", where=str(path), why=str(error)) from error
    return validate_results(body, where=str(path))


def write_results(results: Results, path: Path) -> None:
    """Write the file in one step: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json_bytes(results.to_json()))
