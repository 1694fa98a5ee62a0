from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.evaluate.scorer import Written
from tunesmith.evaluate.scorers.text_metrics import METRICS, metric_named
from tunesmith.make.rouge import rouge_n, tokens


def value(name: str, text: str, *references: str, **more: object) -> float | None:
    target = {"references": list(references), "prompt": "say it", **more}
    found = metric_named(name).score(target, Written((text,), (True,)))
    [values] = found.values()
    return values[0] if values else None


def test_best_of_several_references():
    assert value("exact", "The answer", "no", "answer!") == 1.0
    assert value("exact", "The answer", "no") == 0.0
    assert value("f1", "in France", "Spain", "France") == pytest.approx(2 / 3)
    assert value("contains", "It is in northern France.", "France") == 1.0
    assert value("contains", "Frances", "France") == 0.0


def test_pattern_of_the_item():
    assert value("regex", "order 4711", "x", pattern=r"\d{4}") == 1.0
    assert value("regex", "order 47", "x", pattern=r"\d{4}") == 0.0
    assert value("regex", "order 47", "x") is None


def test_json_is_compared_as_a_value():
    assert value("json_equal", '```json\n{"b": 1, "a": null}\n```', '{"a": null, "b": 1.0}') == 1.0
    assert value("json_equal", "not json", '{"a": 1}') == 0.0
    assert value("json_equal", "null", "null") == 1.0
    assert value("json_equal", "{}", "not json") is None


def test_rouge_by_hand_and_by_its_reference():
    ours, theirs = tokens("the cat sat on the mat"), tokens("the cat lay on the mat")
    assert rouge_n(ours, theirs, 1) == pytest.approx(5 / 6)
    assert rouge_n(ours, theirs, 2) == pytest.approx(3 / 5)
    assert value("rouge_l", "the cat sat on the mat", "the cat lay on the mat") == pytest.approx(5 / 6)
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rouge2", "rougeL"])
    found = scorer.score("the cat lay on the mat", "the cat sat on the mat")
    for name, key in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
        assert value(name, "the cat sat on the mat", "the cat lay on the mat") == pytest.approx(found[key].fmeasure)


def test_bleu_is_sacrebleus():
    sacrebleu = pytest.importorskip("sacrebleu")
    text, reference = "the cat sat on the mat", "the cat lay on the mat"
    expected = sacrebleu.sentence_bleu(text, [reference], use_effective_order=True).score / 100
    assert value("bleu", text, reference) == pytest.approx(expected)
    assert 0.3 < expected < 0.8


def test_your_own_function(tmp_path, monkeypatch):
    (tmp_path / "own_metric.py").write_text(
        "def short(prompt, completion, references):\n    return None if not references else len(completion) < 4\n"
        "def wrong(prompt, completion, references):\n    return 7\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert value("own_metric:short", "yes", "x") == 1.0
    assert value("own_metric:short", "no, thanks", "x") == 0.0
    assert value("own_metric:short", "yes") is None
    with pytest.raises(ConfigError, match="returned 7"):
        value("own_metric:wrong", "yes", "x")


@pytest.mark.parametrize("name", ["exakt", "no_such_module:f", "json:no_such_function"])
def test_unknown_metrics_are_refused(name):
    with pytest.raises(ConfigError):
        metric_named(name)


def test_names_are_listed_in_the_help():
    from tunesmith.cli.evaluate import Metrics

    help_text = Metrics.__metadata__[0].help
    assert all(name in help_text for name in METRICS)
