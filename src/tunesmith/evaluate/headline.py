"""What a run showed, in sentences: improved, worse, or "did not improve" where the interval cannot tell."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tunesmith.evaluate.results import ModelResult, Results
from tunesmith.evaluate.wording import in_order, interval, model_name, percent, points
from tunesmith.statistics.rates import Rate

Tone = Literal["good", "neutral", "bad"]
MAIN_PAIR = "ppo_ptx_vs_sft"
# Beyond this relative change against SFT, length, variety or entropy is called a sign of collapse.
COLLAPSE = 0.30


class Finding(NamedTuple):
    """One sentence and whether it is good news."""

    tone: Tone
    text: str


def headline(results: Results) -> Finding:
    """Return the run's result in one sentence with its interval: PPO-ptx against SFT where measured."""
    if results.win_rates:
        pair = MAIN_PAIR if MAIN_PAIR in results.win_rates else next(iter(results.win_rates))
        return preference_sentence(pair, results.win_rates[pair].gold, judged_by="")
    for key in reversed(in_order(results.models)):
        success = results.models[key].success
        if success is not None:
            text = f"{model_name(key)} solves {percent(success.value)} of {success.n} held-out prompts"
            return Finding("neutral", f"{text} (95 % interval {interval(success)}).")
    return Finding("neutral", "The run finished; nothing in it was judged, so there is no rate to report.")


def preference_sentence(pair: str, rate: Rate, *, judged_by: str) -> Finding:
    """Return what a win rate says; `judged_by` is empty or such as " by held-out labelers"."""
    first, second = (model_name(part) for part in pair.split("_vs_"))
    share = f"{percent(rate.value)} of {rate.n} held-out prompts"
    if rate.low > 0.5:
        return Finding(
            "good", f"{first} is preferred to {second}{judged_by} on {share} (95 % interval {interval(rate)})."
        )
    if rate.high < 0.5:
        text = f"{first} is worse than {second}: it is preferred{judged_by} on only {share}"
        return Finding("bad", f"{text} (95 % interval {interval(rate)}).")
    text = f"{first} did not improve on {second}: it is preferred{judged_by} on {share}"
    return Finding("neutral", f"{text}, and the 95 % interval, {interval(rate)}, includes 50 %.")


def findings(results: Results) -> list[Finding]:
    """Return the sentences under the headline, each only where the run measured it."""
    found: list[Finding] = []
    main = results.win_rates.get(MAIN_PAIR)
    if main is not None and main.labelers is not None:
        found.append(preference_sentence(MAIN_PAIR, main.labelers, judged_by=" by held-out labelers"))
    found += _difference_findings(results)
    found += _reward_model_findings(results)
    if results.kl is not None:
        found.append(Finding("neutral", f"PPO-ptx moved {results.kl:.2f} nats per completion (KL) away from SFT."))
    if "sft" in results.models and "ppo_ptx" in results.models:
        found.append(collapse_finding(results.models["sft"], results.models["ppo_ptx"]))
    return found


def _difference_findings(results: Results) -> list[Finding]:
    differences = results.differences.get(MAIN_PAIR, {})
    wanted = (
        ("success", "Task success", True),
        ("truthful", "The truthful rate", True),
        ("toxic", "The toxic rate", False),
        ("poor_manner", "The share of answers in a poor manner", False),
    )
    return [
        difference_sentence(name, differences[key], up_is_good=up) for key, name, up in wanted if key in differences
    ]


def difference_sentence(name: str, difference: Rate, *, up_is_good: bool) -> Finding:
    """Return what a paired difference of shares says; not significant is "no measurable change", never "equal"."""
    span = f"{points(difference.low)} to {points(difference.high)}"
    detail = f"({points(difference.value)} points, 95 % interval {span}, n = {difference.n})"
    if difference.low <= 0.0 <= difference.high:
        return Finding("neutral", f"{name} shows no measurable change from SFT to PPO-ptx {detail}.")
    rose = difference.low > 0.0
    verb = "rose" if rose else "fell"
    return Finding("good" if rose == up_is_good else "bad", f"{name} {verb} from SFT to PPO-ptx {detail}.")


def _reward_model_findings(results: Results) -> list[Finding]:
    reward = results.reward_model
    if reward is None or reward.accuracy_heldout_labelers is None or reward.labeler_agreement is None:
        return []
    accuracy, agreement = reward.accuracy_heldout_labelers, reward.labeler_agreement
    text = f"The reward model agrees with held-out labelers on {_full(accuracy)} of pairs"
    text += f"; they agree with each other on {_full(agreement)}"
    if reward.accuracy_shared_pairs is not None:
        accuracy = reward.accuracy_shared_pairs
        text += f", and the reward model, on the same pairs, on {_full(accuracy)}"
    text += "."
    return [Finding("good" if accuracy.value >= agreement.value - 0.05 else "bad", text)]


def _full(rate: Rate) -> str:
    return f"{percent(rate.value)} ({interval(rate)}, n = {rate.n})"


def collapse_finding(sft: ModelResult, policy: ModelResult) -> Finding:
    """Return whether length, variety and entropy stay within 30 % of SFT's; what was not measured is not claimed."""
    measured = (
        ("mean length", sft.mean_tokens, policy.mean_tokens),
        ("distinct-2", sft.distinct_2, policy.distinct_2),
        ("entropy", sft.entropy, policy.entropy),
    )
    changes = [(name, new / old - 1.0) for name, old, new in measured if old and new is not None]
    if not changes:
        return Finding("neutral", "Length and variety were not measured, so collapse cannot be ruled out.")
    said = ", ".join(f"{name} {points(change)}\N{NO-BREAK SPACE}%" for name, change in changes)
    if any(abs(change) > COLLAPSE for _, change in changes):
        return Finding("bad", f"PPO-ptx shows a sign of collapse against SFT: {said}.")
    return Finding("good", f"No sign of collapse against SFT: {said}.")
