"""One turn of the loop: what was measured, and whether the new policy is promoted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunesmith.statistics.rates import Rate
from tunesmith.train.durable import json_bytes, replace_file

Verdict = Literal["start", "promoted", "not better", "over-optimised"]
_RATES = ("quality", "over_start", "win_rate", "win_rate_labelers", "proxy_change", "gold_change")


def judge_round(win: Rate, *, proxy: Rate, gold: Rate) -> Verdict:
    """Return what becomes of a round's policy.

    Over-optimised: the reward model's score rose and the gold score fell, both beyond their 95 % intervals (Goodhart;
    Gao et al. 2022). Promoted: the interval of its win rate over the policy before it lies above one half.
    """
    if proxy.low > 0 and gold.high < 0:
        return "over-optimised"
    return "promoted" if win.low > 0.5 else "not better"


def is_over(verdicts: Sequence[Verdict], *, patience: int) -> bool:
    """Return whether the loop ends: the last policy was over-optimised, or `patience` in a row were not better."""
    return verdicts[-1] == "over-optimised" or verdicts[-patience:] == ["not better"] * patience


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """A finished round. `policy` is the promoted model after it; `quality` is the candidate's, whatever its verdict.

    `quality` is the share of held-out tasks solved, `over_start` how often the gold judge prefers the candidate to the
    model of round 0; both on the same prompts in every round. `win_rate` is over the policy before, on fresh ones.
    `parents` names what the candidate came from: the policy before it, and the hash of each round's rankings.
    """

    number: int
    verdict: Verdict
    policy: str
    candidate: str
    quality: Rate
    over_start: Rate | None = None
    win_rate: Rate | None = None
    win_rate_labelers: Rate | None = None
    proxy_change: Rate | None = None
    gold_change: Rate | None = None
    reward_accuracy: Mapping[str, float] | None = None
    rankings: Sequence[str] = ()
    parents: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; rates as `{"value", "low", "high", "n"}`."""
        body = asdict(self)
        return body | {name: None if (r := getattr(self, name)) is None else r.to_json() for name in _RATES}

    def write(self, path: Path) -> None:
        """Write the file in one step; once it is there the round is done."""
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json_bytes(self.to_json()))

    @classmethod
    def read(cls, path: Path) -> RoundResult | None:
        """Return a finished round, None where there is none yet."""
        if not path.exists():
            return None
        body = json.loads(path.read_bytes())
        rates = {name: None if body.get(name) is None else Rate(**body[name]) for name in _RATES}
        return cls(**{**body, **rates, "rankings": tuple(body["rankings"])})
