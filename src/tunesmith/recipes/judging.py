"""Let a reward model or a teacher say which of two runs' completions is better, and put all runs on one ladder."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Message
from tunesmith.core.run_context import RunContext
from tunesmith.evaluate.judging import Orders, Pair, Verdict, judged_pairs, parsed, question
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Written
from tunesmith.evaluate.task import Ask
from tunesmith.evaluate.win_rate import POINTS, compare
from tunesmith.make.distill.ask import Question, ask
from tunesmith.make.distill.log import AnswerLog, answer_key
from tunesmith.recipes.reward_scorer import RewardScorer
from tunesmith.recipes.teachers import TeacherConfig, asking, open_teacher
from tunesmith.statistics.bradley_terry import Game, ladder


class JudgeConfig(Strict):
    """How a teacher is asked to judge."""

    teacher: TeacherConfig = Field(
        TeacherConfig(temperature=0.0, max_tokens=128), description="the teacher's name, key, budget and decoding"
    )
    log: str = Field("", description="a file of answers that a stopped comparison goes on from; required for a teacher")


def judged(
    judge: str, config: JudgeConfig, logs: Mapping[str, Sequence[Sample]], context: RunContext, *, seed: int
) -> dict[str, Any]:
    """Return the win rate of every pair of runs and, where all hang together, the ladder.

    Raises:
        DataError: two runs share no prompt with completions.
    """
    rates: dict[str, Any] = {}
    games: list[Game] = []
    for first, second in itertools.combinations(logs, 2):
        pairs = pairs_of(logs[second], logs[first])
        verdicts = _verdicts(judge, config, pairs, context, seed=seed)
        rates[f"{second} vs {first}"] = judged_pairs(pairs, verdicts, seed=seed).to_json()
        games += _games(second, first, pairs, verdicts)
    try:
        steps = [{"model": step.model, **step.to_json()} for step in ladder(games, seed=seed)]
    except DataError as error:
        context.log(f"no ladder: {error}")
        steps = []
    return {"judge": judge, "win_rates": rates, "ladder": steps}


def pairs_of(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[Pair]:
    """Return the first completions of the items that both logs have."""
    others = {(s.task, s.item.key): s for s in theirs}
    pairs = []
    for sample in ours:
        other = others.get((sample.task, sample.item.key))
        if other is not None and isinstance(sample.response, Written) and isinstance(other.response, Written):
            request = sample.item.request
            assert isinstance(request, Ask)
            prompt = "\n".join(m.content for m in request.messages) or request.plain
            pairs.append(Pair(sample.item.cluster, prompt, sample.response.texts[0], other.response.texts[0]))
    if not pairs:
        raise DataError("the runs share no prompt with completions", remedy="a judge needs suites that generate")
    return pairs


def _verdicts(
    judge: str, config: JudgeConfig, pairs: Sequence[Pair], context: RunContext, *, seed: int
) -> list[Orders]:
    if "://" not in judge:
        scorer = RewardScorer(judge)
        scores = [scorer.score((Message("user", p.prompt),), [p.ours, p.theirs]) for p in pairs]
        return [_by_score(*both) for both in scores]
    if not config.log:
        raise ConfigError("no file for the judge's answers", where="judging.log", remedy="give --set judging.log=FILE")
    teacher_config = config.teacher.model_copy(update={"address": judge})
    how = asking(teacher_config, context, seed)
    asked = [[question(p.prompt, p.ours, p.theirs), question(p.prompt, p.theirs, p.ours)] for p in pairs]
    with open_teacher(teacher_config, context) as teacher, AnswerLog(Path(config.log)) as log:
        found = ask(teacher, [Question(m, 0) for both in asked for m in both], log, how)
        for reason, n in found.failed.items():
            context.log(f"{n} verdicts missing: {reason}")
        keys = [[answer_key(teacher.name, how.decoding, m, 0) for m in both] for both in asked]
    said = [[found.answers[k].text if k in found.answers else "" for k in both] for both in keys]
    return [Orders(parsed(first), parsed(second)) for first, second in said]


def _by_score(ours: float, theirs: float) -> Orders:
    words: dict[str, tuple[Verdict, Verdict]] = {
        "win": ("first", "second"), "loss": ("second", "first"), "tie": ("tie", "tie")
    }  # fmt: skip
    return Orders(*words[compare(ours, theirs)])


def _games(ours: str, theirs: str, pairs: Sequence[Pair], verdicts: Sequence[Orders]) -> list[Game]:
    games = []
    for pair, orders in zip(pairs, verdicts, strict=True):
        points = {"first": POINTS["win"], "tie": POINTS["tie"], "second": POINTS["loss"]}
        if orders.ours_first is not None:
            games.append(Game(ours, theirs, points[orders.ours_first], pair.cluster))
        if orders.theirs_first is not None:
            games.append(Game(ours, theirs, 1.0 - points[orders.theirs_first], pair.cluster))
    return games
