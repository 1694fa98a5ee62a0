from __future__ import annotations

import pytest

from tunesmith.evaluate.headline import collapse_finding, difference_sentence, findings, headline
from tunesmith.evaluate.results import ModelResult
from tunesmith.statistics.rates import Rate

from .full_results import full_results, least_results


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("rate", "tone", "words"),
    [
        (Rate(0.62, 0.57, 0.67, 400), "good", "is preferred to SFT on 62.0 % of 400 held-out prompts"),
        (Rate(0.53, 0.48, 0.58, 400), "neutral", "did not improve on SFT"),
        (Rate(0.53, 0.5, 0.58, 400), "neutral", "did not improve on SFT"),
        (Rate(0.4, 0.35, 0.45, 400), "bad", "is worse than SFT"),
    ],
)
def test_the_headline_is_honest(rate, tone, words):
    found = headline(full_results(preferred=rate))
    assert found.tone == tone
    assert words in plain(found.text)
    assert f"{100 * rate.low:.1f}–{100 * rate.high:.1f} %" in plain(found.text)


def test_without_a_judge_nothing_is_claimed():
    assert "nothing in it was judged" in headline(least_results()).text
    assert findings(least_results()) == []


def test_without_a_comparison_the_best_model_is_reported():
    results = full_results().model_copy(update={"win_rates": {}})
    assert plain(headline(results).text).startswith("PPO-ptx solves 80.0 % of 100 held-out prompts")


@pytest.mark.parametrize(
    ("difference", "up_is_good", "tone", "word"),
    [
        (Rate(0.1, 0.02, 0.18, 9), True, "good", "rose"),
        (Rate(-0.1, -0.18, -0.02, 9), True, "bad", "fell"),
        (Rate(0.1, 0.02, 0.18, 9), False, "bad", "rose"),
        (Rate(0.05, -0.01, 0.11, 9), True, "neutral", "no measurable change"),
    ],
)
def test_a_difference_is_only_called_one_beyond_its_interval(difference, up_is_good, tone, word):
    found = difference_sentence("It", difference, up_is_good=up_is_good)
    assert found.tone == tone
    assert word in found.text


@pytest.mark.parametrize(
    ("tokens", "distinct", "tone"),
    [(33.0, 0.4, "good"), (15.0, 0.4, "bad"), (30.0, 0.2, "bad"), (42.0, 0.4, "bad"), (None, None, "neutral")],
)
def test_collapse_is_seen_beyond_30_percent(tokens, distinct, tone):
    sft = ModelResult(mean_tokens=30.0, distinct_2=0.4)
    assert collapse_finding(sft, ModelResult(mean_tokens=tokens, distinct_2=distinct)).tone == tone


@pytest.mark.parametrize(("entropy", "tone"), [(0.9, "good"), (0.6, "bad"), (None, "good")])
def test_a_loss_of_entropy_is_a_sign_of_collapse(entropy, tone):
    sft = ModelResult(mean_tokens=30.0, entropy=1.0)
    assert collapse_finding(sft, ModelResult(mean_tokens=30.0, entropy=entropy)).tone == tone


def test_every_finding_of_a_full_run():
    text = plain("\n".join(f.text for f in findings(full_results())))
    expected = (
        "by held-out labelers on 58.0 %",
        "Task success rose",
        "The toxic rate shows no measurable change",
        "agrees with held-out labelers on 71.0 % (68.0–74.0 %, n = 90)",
        "and the reward model, on the same pairs, on 72.0 % (69.0–75.0 %, n = 90)",
        "7.25 nats",
        "No sign of collapse",
    )
    assert [words for words in expected if words not in text] == []
