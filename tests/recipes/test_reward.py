"""The reward model as a whole run: T-RM-7, T-RM-10."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch

from tests.small_runs import ENGINE, Workshop, demonstrations, rankings, write
from tunesmith.algorithms.reward_model import score_sequences
from tunesmith.algorithms.rollout import Episode
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Comparison, Completion, Message, Ranking, RankingLabel
from tunesmith.data.batch import TokenSequence
from tunesmith.model.load import LanguageModel, copy_model, frozen, load_model
from tunesmith.recipes.episode_scores import Reads, scorer
from tunesmith.recipes.ranked_rows import as_ranking, ranked_rows
from tunesmith.recipes.reward_measures import score_rankings
from tunesmith.recipes.stage import StageConfig, held_out


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("reward"))


def sequences(model: LanguageModel) -> list[TokenSequence]:
    template = model.chat_template()
    return [TokenSequence(r.ids, r.loss_mask, "") for r in (template.render(d.messages) for d in demonstrations(10))]


def test_t_rm_10_the_saved_bias_is_read_again_and_applied_once_also_on_ppos_way(workshop: Workshop) -> None:
    """Demonstrations score 0 on average: when reloaded, and through the function that PPO scores its episodes with."""
    result = workshop.run("reward", "calibrated", max_steps=3)
    bias = result.summary["score_bias"]
    assert abs(bias) > 1e-3
    model = load_model(workshop.folder / "calibrated" / "model", classifier=True)
    assert model.network.config.tunesmith_score_bias == bias and model.card["score_bias"] == bias
    scores = score_sequences(model.network, sequences(model))
    assert scores.mean().item() == pytest.approx(0, abs=1e-5)
    template = model.chat_template()
    episodes = [
        Episode(template.render_prompt(d.prompt), template.render_completion(d.completion), True, i, str(i))
        for i, d in enumerate(demonstrations(10))
    ]
    assert [e.sequence().ids for e in episodes] == [s.ids for s in sequences(model)]
    asked = {str(i): d.prompt for i, d in enumerate(demonstrations(10))}
    for reads in get_args(Reads):
        score = scorer(frozen(model), model, asked, reads=reads, micro_batch_tokens=64)
        torch.testing.assert_close(score(episodes), scores, atol=1e-5, rtol=1e-5)
    again = load_model(workshop.folder / "calibrated" / "model", classifier=True)
    copied = copy_model(again)
    torch.testing.assert_close(score_sequences(copied.network, sequences(model)), scores, atol=1e-5, rtol=1e-5)


def test_without_demonstrations_there_is_no_bias_and_the_same_differences(workshop: Workshop) -> None:
    workshop.run("reward", "with", max_steps=2)
    result = workshop.run("reward", "without", max_steps=2, demonstrations=())
    assert result.summary["score_bias"] == 0.0
    one, other = (load_model(workshop.folder / n / "model", classifier=True) for n in ("with", "without"))
    a, b = (score_sequences(m.network, sequences(m)) for m in (one, other))
    torch.testing.assert_close(a.diff(), b.diff(), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(a, b, atol=1e-3)


def test_t_rm_7_validation_prompts_are_never_trained_on(workshop: Workshop) -> None:
    data = write(workshop.folder / "many.jsonl", [r for r in rankings(30) for _ in range(2)])
    engine = {**ENGINE, "validate_every": 2}
    result = workshop.run("reward", "held-out", data=(data,), validation_fraction=0.3, max_steps=2, engine=engine)
    training, validation = held_out([r for r in rankings(30) for _ in range(2)], 0.3, 3)
    assert result.summary["rankings"] == len(training) == 60 - len(validation)
    assert result.summary["measured"]["pairs"] == sum(2 if len(r.rankings[0].order) == 2 else 3 for r in validation)
    assert 0 <= result.summary["validation"]["validation/accuracy"] <= 1


def test_a_comparison_is_a_ranking_of_two(workshop: Workshop) -> None:
    record = Comparison(messages=(Message("user", "x"),), chosen="good", rejected="bad", meta={"labeler": "z"})
    ranking = as_ranking(record)
    assert as_ranking(ranking) is ranking
    template = load_model(Path(workshop.chat_model())).chat_template()
    rows, report = ranked_rows([ranking], template, 64)
    assert rows[0].orders == (((0,), (1,)),) and report.kept == 1
    assert list(rows[0].tree.completions[0]) == template.render_completion("good")
    assert list(rows[0].tree.prompt) == template.render_prompt(record.messages)


def test_rankings_are_scored_by_id_and_what_does_not_fit_is_left_out(workshop: Workshop) -> None:
    model = load_model(Path(workshop.reward_model()), classifier=True)
    rows = rankings(4)
    kept, scores = score_rankings(model, rows, StageConfig(max_length=96))
    assert kept == rows and all(set(s) == {"0", "1", "2"} for s in scores)
    template = model.chat_template()
    whole = [*template.render_prompt(rows[1].messages), *template.render_completion(rows[1].completions[2].text)]
    alone = score_sequences(model.network, [TokenSequence(whole, [False] * len(whole), "")])[0].item()
    assert scores[1]["2"] == pytest.approx(alone, abs=1e-5)
    assert score_rankings(model, rows, StageConfig(max_length=8)) == ([], [])


def test_labelers_count_by_their_weights_and_are_measured_one_by_one(workshop: Workshop) -> None:
    labels = (RankingLabel(labeler="ann", order=(("a",), ("b",))), RankingLabel(labeler="bob", order=(("b",), ("a",))))
    completions = (Completion(id="a", text="yes"), Completion(id="b", text="no"))
    records = [
        Ranking(messages=(Message("user", f"Question {n}?"),), completions=completions, rankings=labels)
        for n in range(12)
    ]
    template = load_model(Path(workshop.chat_model())).chat_template()
    rows, _ = ranked_rows(records, template, 64, {"bob": 0.25})
    assert {row.weights for row in rows} == {(1.0, 0.25)}
    data = write(workshop.folder / "two.jsonl", records)
    weights = {"labeler_weights": {"bob": 0.25}}
    result = workshop.run("reward", "weighted", data=(data,), validation_fraction=0.4, max_steps=1, **weights)
    by_labeler = result.summary["measured"]["accuracy_by_labeler"]
    assert by_labeler.keys() == {"ann", "bob"}, "who orders every pair the other way round is right where ann is wrong"
    assert by_labeler["ann"]["value"] == pytest.approx(1 - by_labeler["bob"]["value"])
    with pytest.raises(ConfigError, match="no ranking is by 'bop'"):
        workshop.run("reward", "unknown", data=(data,), max_steps=1, labeler_weights={"bop": 2.0})
