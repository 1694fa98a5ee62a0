from __future__ import annotations

from tunesmith.evaluate.terminal import summary_text

from .full_results import full_results, least_results


def shown(results):
    return "\n".join(summary_text(results)).replace("\N{NO-BREAK SPACE}", " ")


def test_the_same_numbers_as_the_report():
    text = shown(full_results())
    assert "PPO-ptx is preferred to SFT on 64.0 % of 100 held-out prompts" in text
    assert "58.0 % (54.0–62.0 %)" in text
    lines = text.splitlines()
    [at] = [n for n, line in enumerate(lines) if line.startswith("PPO-ptx  ") and "80.0 %" in line]
    assert lines[at].index("80.0 %") + len("80.0 %") == lines[at + 1].index("71.1–86.7") + len("71.1–86.7")
    assert max(map(len, lines)) <= 80 and "…" not in text


def test_how_many_answers_are_behind_the_rates():
    results = full_results()
    assert "its 95 % interval\nsuccess, toxic: n = 100; truthful: n = 50\n" in shown(results)
    same = {name: model.model_copy(update={"truthful": model.success}) for name, model in results.models.items()}
    assert "its 95 % interval\nn = 100\n" in shown(results.model_copy(update={"models": same}))


def test_what_was_not_measured_is_a_dash_or_absent():
    text = shown(least_results())
    assert "5.25" in text
    assert "gold judge" not in text and "interval" not in text
