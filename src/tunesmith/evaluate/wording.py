"""How rates and models are called on screen and in reports: one place, so that both say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tunesmith.statistics.rates import Rate

# The order in which models appear everywhere.
MODEL_NAMES: Mapping[str, str] = {
    "base": "Base",
    "base_prompted": "Base, prompted",
    "base_large": "Large base, prompted",
    "sft": "SFT",
    "ppo": "PPO",
    "ppo_ptx": "PPO-ptx",
}

# What the gold judge decides about a model's answers (fields of `ModelResult`), in the order in which it is shown.
JUDGED = ("success", "truthful", "toxic", "poor_manner")

# Suites as their papers write them; a suite that is not here is called by its own name.
SUITE_TITLES: Mapping[str, str] = {
    "truthfulqa": "TruthfulQA, multiple choice",
    "truthfulqa_generation": "TruthfulQA, free answers",
    "hellaswag": "HellaSwag",
    "squad2": "SQuAD 2.0",
    "gsm8k": "GSM8K",
    "ifeval": "IFEval",
    "real_toxicity_prompts": "RealToxicityPrompts",
    "winogender": "Winogender",
    "crows_pairs": "CrowS-Pairs",
    "desk": "Built-in desk",
    "demonstrations": "Demonstrations",
}


def suite_title(name: str) -> str:
    """Return the name shown for a suite."""
    return SUITE_TITLES.get(name, name.replace("_", " "))


def model_name(key: str) -> str:
    """Return the name shown for a model's key in `results.json`; unknown keys stand for themselves."""
    return MODEL_NAMES.get(key, key)


def in_order(keys: Mapping[str, object]) -> list[str]:
    """Return model keys in the order of training, unknown ones last, in the order given."""
    known = [key for key in MODEL_NAMES if key in keys]
    return known + [key for key in keys if key not in MODEL_NAMES]


def pair_name(key: str) -> str:
    """Return `ppo_ptx_vs_sft` as "PPO-ptx vs SFT"."""
    return " vs ".join(model_name(part) for part in key.split("_vs_"))


def percent(value: float, digits: int = 1) -> str:
    """Return a share as a percentage with a no-break space: 0.5 -> "50.0 %"."""
    return f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def interval(rate: Rate) -> str:
    """Return the 95 % interval of a share: "46.1–55.9 %"."""
    return f"{100 * rate.low:.1f}–{percent(rate.high)}"


def sample_size(rates: Iterable[Rate]) -> str:
    """Return "n = 400", or "n = 240–260" where the rates have different numbers behind them."""
    sizes = [rate.n for rate in rates]
    low, high = min(sizes), max(sizes)
    return f"n = {low}" if low == high else f"n = {low}–{high}"


def points(value: float) -> str:
    """Return a difference of shares in percentage points with its sign: "+6.1"; a true minus sign below zero."""
    return signed(100 * value, 1)


def signed(value: float, digits: int) -> str:
    """Return a difference with its sign, a true minus sign below zero: "+0.123"."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def duration(seconds: float) -> str:
    """Return a time a person reads: "4.2 s", "3 min 07 s", "1 h 05 min"."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}\N{NO-BREAK SPACE}min {rest:02d}\N{NO-BREAK SPACE}s"
    return f"{minutes // 60}\N{NO-BREAK SPACE}h {minutes % 60:02d}\N{NO-BREAK SPACE}min"
