"""Judge several models' completions of the desk's held-out prompts: each completion once, each pair of models once.

The gold judge decides success, truthfulness and toxicity from the prompt's own structure. Preference between two models
is measured twice: by the gold judge's score, and by simulated labelers who were held out from the reward model's data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import Completion, Prompt
from tunesmith.desk.judge import Verdict, judge
from tunesmith.desk.labelers import Labeler
from tunesmith.evaluate.results import ModelResult
from tunesmith.evaluate.text_measures import distinct_n, mean_length, words
from tunesmith.evaluate.win_rate import Outcome, WinRate, compare, win_rate
from tunesmith.statistics.rates import Rate, paired_difference, wilson


class ModelOutputs(NamedTuple):
    """One model's completions, in the order of the prompts, with the length of each in tokens.

    `perplexity` is per token, on held-out documents; None where it was not measured.
    """

    completions: Sequence[str]
    token_counts: Sequence[int]
    perplexity: float | None = None


class DeskEvaluation(NamedTuple):
    """What `results.json` needs, and each completion's verdict (by model, in the order of the prompts)."""

    models: dict[str, ModelResult]
    win_rates: dict[str, WinRate]
    differences: dict[str, dict[str, Rate]]
    verdicts: dict[str, list[Verdict]]


class Versus(NamedTuple):
    """Two models to compare, by name; reported as `first_vs_second`, the rate being the first one's."""

    first: str
    second: str

    @property
    def name(self) -> str:
        """The key in `results.json`."""
        return f"{self.first}_vs_{self.second}"


def desk_eval(
    prompts: Sequence[Prompt],
    outputs: Mapping[str, ModelOutputs],
    *,
    versus: Sequence[Versus],
    labelers: Sequence[Labeler],
    seed: int,
) -> DeskEvaluation:
    """Return every model's rates, and win rates and paired differences for each pair in `versus`.

    Raises:
        DataError: no prompts, a model without one completion per prompt, or an unknown model in `versus`.
    """
    _check(prompts, outputs, versus)
    verdicts = {name: [judge(p, c) for p, c in zip(prompts, o.completions, strict=True)] for name, o in outputs.items()}
    win_rates: dict[str, WinRate] = {}
    differences: dict[str, dict[str, Rate]] = {}
    for pair in versus:
        first, second = verdicts[pair.first], verdicts[pair.second]
        gold = win_rate([[compare(a.score, b.score)] for a, b in zip(first, second, strict=True)], seed=seed)
        panel = None
        if labelers:
            texts = (outputs[pair.first].completions, outputs[pair.second].completions)
            panel = win_rate(_panel_outcomes(prompts, *texts, labelers=labelers, seed=seed), seed=seed)
        win_rates[pair.name] = WinRate(gold, panel)
        differences[pair.name] = _differences(first, second, seed=seed)
    models = {name: _model_result(prompts, outputs[name], verdicts[name]) for name in outputs}
    return DeskEvaluation(models, win_rates, differences, verdicts)


def _check(prompts: Sequence[Prompt], outputs: Mapping[str, ModelOutputs], versus: Sequence[Versus]) -> None:
    if not prompts:
        raise DataError("there are no prompts to evaluate on")
    for name, output in outputs.items():
        if not len(output.completions) == len(output.token_counts) == len(prompts):
            counts = (
                f"{len(output.completions)} completions, {len(output.token_counts)} lengths, {len(prompts)} prompts"
            )
            raise DataError("every prompt needs one completion", where=name, why=counts)
    for pair in versus:
        unknown = {pair.first, pair.second} - outputs.keys()
        if unknown:
            raise DataError(f"model {sorted(unknown)[0]!r} has no completions", where=pair.name)


def _model_result(prompts: Sequence[Prompt], output: ModelOutputs, verdicts: Sequence[Verdict]) -> ModelResult:
    successes = [v.success for v in verdicts]
    tokenized = [words(text) for text in output.completions]
    return ModelResult(
        success=share(successes),
        truthful=share([v.truthful for v in verdicts if v.truthful is not None]),
        toxic=share([v.toxic for v in verdicts]),
        poor_manner=share([bool(v.habits) for v in verdicts]),
        by_task=_by(prompts, successes, "task"),
        by_scenario=_by(prompts, successes, "scenario"),
        perplexity=output.perplexity,
        mean_tokens=mean_length(output.token_counts),
        distinct_2=distinct_n(tokenized, 2),
    )


def share(flags: Sequence[bool]) -> Rate | None:
    """Return the share of True with its interval; None where nothing was asked, which is not a rate of zero."""
    return wilson(sum(flags), len(flags)) if flags else None


def _by(prompts: Sequence[Prompt], successes: Sequence[bool], key: str) -> dict[str, Rate]:
    groups: dict[str, list[bool]] = {}
    for prompt, success in zip(prompts, successes, strict=True):
        if key in prompt.meta:
            groups.setdefault(str(prompt.meta[key]), []).append(success)
    return {name: wilson(sum(flags), len(flags)) for name, flags in sorted(groups.items())}


def _differences(first: Sequence[Verdict], second: Sequence[Verdict], *, seed: int) -> dict[str, Rate]:
    pairs = list(zip(first, second, strict=True))
    manners = [[bool(v.habits) for v in side] for side in (first, second)]
    found = {
        "poor_manner": paired_difference(*manners, seed=seed),
        "success": paired_difference([a.success for a, _ in pairs], [b.success for _, b in pairs], seed=seed),
        "toxic": paired_difference([a.toxic for a, _ in pairs], [b.toxic for _, b in pairs], seed=seed),
    }
    # Truthfulness is paired over the prompts where both completions assert something that can be checked.
    factual = [(a.truthful, b.truthful) for a, b in pairs if a.truthful is not None and b.truthful is not None]
    if factual:
        found["truthful"] = paired_difference([a for a, _ in factual], [b for _, b in factual], seed=seed)
    return found


def _panel_outcomes(
    prompts: Sequence[Prompt],
    first: Sequence[str],
    second: Sequence[str],
    *,
    labelers: Sequence[Labeler],
    seed: int,
) -> list[list[Outcome]]:
    outcomes: list[list[Outcome]] = []
    for index, (prompt, a, b) in enumerate(zip(prompts, first, second, strict=True)):
        judge_seed = seed * 1_000_003 + index
        outcomes.append([labeler_outcome(labeler, prompt, a, b, seed=judge_seed) for labeler in labelers])
    return outcomes


def labeler_outcome(labeler: Labeler, prompt: Prompt, first: str, second: str, *, seed: int) -> Outcome:
    """Return what the labeler says of the first completion against the second.

    Equal texts tie without asking. The order of showing is drawn from the texts themselves, so that a labeler's
    position bias favours no model and rate(a, b) + rate(b, a) = 1 holds exactly.
    """
    if first == second:
        return "tie"
    shown = sorted((first, second), key=lambda text: hashlib.sha256(f"{seed}\0{text}".encode()).digest())
    completions = [Completion(id=str(slot), text=text) for slot, text in enumerate(shown)]
    label = labeler.rank(prompt, completions, seed=seed)
    place = {completion: rank for rank, group in enumerate(label.order) for completion in group}
    missing = {"0", "1"} - place.keys()
    if missing:
        raise DataError("the labeler left a completion unranked", where=labeler.id)
    return compare(place[str(shown.index(second))], place[str(shown.index(first))])
