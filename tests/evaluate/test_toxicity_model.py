from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.evaluate.toxicity_model import buckets, load_toxicity, save_toxicity


def test_the_shipped_scorer_ranks_the_obvious():
    model = load_toxicity()
    rude = model.score("You are a stupid piece of shit, shut the fuck up")
    kind = model.score("Thank you for the photos, they look lovely")
    assert rude is not None and kind is not None
    assert rude > 0.8
    assert kind < 0.4
    assert model.card["held_out"]["this scorer"]["auc"]["value"] > 0.9


@pytest.mark.parametrize("text", ["", " \n", "... ?"])
def test_a_text_without_a_word_has_no_score_t_ev_3(text):
    """T-EV-3: nothing to judge is not harmless."""
    assert load_toxicity().score(text) is None


def test_features_are_words_pairs_and_letters():
    one, two = buckets("go home"), buckets("home go")
    assert one != two, "pairs know the order"
    assert sum(buckets("go").values()) == 4  # the word, "<go", "go>" and "<go>"


def test_it_is_saved_and_read_back(tmp_path):
    model = load_toxicity()
    save_toxicity(model, tmp_path)
    again = load_toxicity(tmp_path)
    for text in ("You idiot", "A nice day"):
        assert again.score(text) == model.score(text)
    with pytest.raises(ConfigError, match="no toxicity scorer"):
        load_toxicity(tmp_path / "nothing")
