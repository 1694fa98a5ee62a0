from __future__ import annotations

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Message, Prompt, RankingLabel
from tunesmith.desk.judge import Verdict
from tunesmith.evaluate import desk_eval as module
from tunesmith.evaluate.desk_eval import ModelOutputs, Versus, desk_eval, labeler_outcome, share
from tunesmith.statistics.rates import wilson

TASKS = ("chat", "open_qa", "open_qa", "chat")
PROMPTS = [
    Prompt(messages=(Message("user", f"question {i}"),), meta={"task": task, "scenario": "plain"})
    for i, task in enumerate(TASKS)
]
GOOD = ModelOutputs(["good one", "good two", "good three", "good four"], [2, 2, 2, 2], 5.0)
MIXED = ModelOutputs(["good one", "bad", "bad rude", "bad"], [2, 1, 2, 1])


class Judge:
    """Good starts with "good"; a chat asks for no fact; counts how often it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, prompt, completion):
        self.asked.append((prompt.messages[0].content, completion))
        good, rude = completion.startswith("good"), "rude" in completion
        truthful = None if prompt.meta["task"] == "chat" else good
        return Verdict(good, truthful, rude, good - 0.5 * rude, ())


class LongestFirst:
    """A labeler who prefers longer answers, and the first shown among equally long ones."""

    id = "longest"

    def rank(self, prompt, completions, *, seed):
        order = sorted(completions, key=lambda c: -len(c.text))
        return RankingLabel(labeler=self.id, order=tuple((c.id,) for c in order))


@pytest.fixture
def judge(monkeypatch):
    judge = Judge()
    monkeypatch.setattr(module, "judge", judge)
    return judge


def evaluate(outputs, versus, labelers=()):
    return desk_eval(PROMPTS, outputs, versus=versus, labelers=labelers, seed=0)


def test_rates_by_hand(judge):
    models = evaluate({"sft": MIXED, "ppo_ptx": GOOD}, []).models
    assert models["sft"].success == wilson(1, 4)
    assert models["sft"].truthful == wilson(0, 2)
    assert models["sft"].toxic == wilson(1, 4)
    assert models["sft"].by_task == {"chat": wilson(1, 2), "open_qa": wilson(0, 2)}
    assert models["ppo_ptx"].by_scenario == {"plain": wilson(4, 4)}
    assert (models["sft"].mean_tokens, models["ppo_ptx"].perplexity) == (1.5, 5.0)
    assert models["ppo_ptx"].distinct_2 == 1.0


def test_each_completion_is_judged_once(judge):
    pairs = [Versus("ppo_ptx", "sft"), Versus("sft", "ppo_ptx")]
    evaluate({"sft": MIXED, "ppo_ptx": GOOD}, pairs, [LongestFirst()])
    assert len(judge.asked) == 8
    assert sorted(judge.asked) == sorted(
        (p.messages[0].content, text) for o in (MIXED, GOOD) for p, text in zip(PROMPTS, o.completions, strict=True)
    )


def test_win_rates_are_antisymmetric_for_both_panels_t_ev_5(judge):
    """T-EV-5: also with a labeler who prefers the first shown among equals."""
    outputs = {"a": MIXED, "b": ModelOutputs(["dab", "bed", "bad", "bid"], [1] * 4)}
    found = evaluate(outputs, [Versus("a", "b"), Versus("b", "a")], [LongestFirst()]).win_rates
    for panel in ("gold", "labelers"):
        first, second = (getattr(found[name], panel).rate for name in ("a_vs_b", "b_vs_a"))
        assert first.value + second.value == pytest.approx(1.0)
    assert found["a_vs_b"].gold.rate.value == pytest.approx((1.0 + 0.5 + 0.0 + 0.5) / 4)


def test_a_model_against_itself_t_ev_5(judge):
    """T-EV-5: equal texts tie without asking any labeler."""
    found = evaluate({"a": MIXED, "b": MIXED}, [Versus("a", "b")], [LongestFirst()]).win_rates["a_vs_b"]
    assert found.gold.rate.value == found.labelers.rate.value == 0.5
    assert found.labelers.ties == 4


def test_differences_are_first_minus_second_and_paired(judge):
    found = evaluate({"sft": MIXED, "ppo_ptx": GOOD}, [Versus("ppo_ptx", "sft")]).differences["ppo_ptx_vs_sft"]
    assert found["success"].value == pytest.approx(0.75)
    assert found["toxic"].value == pytest.approx(-0.25)
    assert (found["truthful"].value, found["truthful"].n) == (1.0, 2)


def test_no_labelers_no_panel(judge):
    assert evaluate({"sft": MIXED, "b": GOOD}, [Versus("b", "sft")]).win_rates["b_vs_sft"].labelers is None


def test_position_is_drawn_from_the_texts():
    shown = []

    class FirstShown:
        id = "first"

        def rank(self, prompt, completions, *, seed):
            shown.append(tuple(c.text for c in completions))
            return RankingLabel(labeler="first", order=tuple((c.id,) for c in completions))

    outcomes = [labeler_outcome(FirstShown(), PROMPTS[0], "x", "y", seed=s) for s in range(200)]
    assert 60 < outcomes.count("win") < 140
    assert {("x", "y"), ("y", "x")} == set(shown)


def test_nothing_asked_is_not_a_rate():
    assert share([]) is None
    assert share([True]) == wilson(1, 1)


@pytest.mark.parametrize(
    ("outputs", "versus"),
    [
        ({"a": ModelOutputs(["one"], [1])}, []),
        ({"a": ModelOutputs(GOOD.completions, [1])}, []),
        ({"a": GOOD}, [Versus("a", "b")]),
    ],
)
def test_what_does_not_fit_is_refused(judge, outputs, versus):
    with pytest.raises(DataError):
        evaluate(outputs, versus)
    with pytest.raises(DataError):
        desk_eval([], {}, versus=[], labelers=[], seed=0)


def test_an_unranked_completion_is_an_error():
    class Silent:
        id = "silent"

        def rank(self, prompt, completions, *, seed):
            return RankingLabel(labeler="silent", order=(("0",),))

    with pytest.raises(DataError, match="silent"):
        labeler_outcome(Silent(), PROMPTS[0], "x", "y", seed=0)
