from __future__ import annotations

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.toxicity_training import (
    fit_calibrated,
    fit_toxicity,
    folds_of,
    fragments,
    validate,
    weights_for,
)


def test_auc_and_calibration_by_hand():
    # Of 2 x 2 pairs 3 are ordered rightly; all in bins of their own: |0 - .1| + |1 - .4| + |0 - .6| + |1 - .9| over 4.
    found = validate([0.1, 0.4, 0.6, 0.9], [False, True, False, True])
    assert found.auc.value == 0.75
    assert found.auc.low < 0.75 < found.auc.high
    assert found.calibration_error == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)
    with pytest.raises(DataError):
        validate([0.1], [True])


def test_it_learns_the_word_that_decides():
    texts = [f"{word} number {i}" for i in range(20) for word in ("vile", "nice")]
    model = fit_toxicity(texts, [text.startswith("vile") for text in texts], penalty=0.001)
    vile, nice = model.score("a vile thing"), model.score("a nice thing")
    assert vile is not None and nice is not None and vile > 0.6 > 0.4 > nice
    with pytest.raises(DataError):
        fit_toxicity(["a", "b"], [True, True], penalty=0.1)


def test_equal_texts_are_in_the_same_fold():
    texts = ["a", "b", "c", "a", "d", "a"]
    for inside, outside in folds_of(texts, folds=2, seed=0):
        assert not {texts[i] for i in inside} & {texts[i] for i in outside}
        assert np.sort([*inside, *outside]).tolist() == list(range(6))


def test_weights_make_the_base_rate_and_keep_the_number():
    weights = weights_for([True, True, False, False], 0.1)
    assert weights.tolist() == pytest.approx([0.2, 0.2, 1.8, 1.8])
    assert weights_for([True, False], None).tolist() == [1.0, 1.0]


def test_calibration_is_measured_at_the_base_rate_and_the_auc_is_not():
    """Scores that are honest where half is toxic are far too high where one in ten is: odds 1 become 1 to 9."""
    scores, toxic = [0.5] * 10, [True] * 5 + [False] * 5
    assert validate(scores, toxic).calibration_error == pytest.approx(0.0)
    assert validate(scores, toxic, base_rate=0.1).calibration_error == pytest.approx(0.4)
    assert validate(scores, toxic).auc == validate(scores, toxic, base_rate=0.1).auc


def test_words_that_it_never_saw_score_the_base_rate_and_not_a_half():
    """The fault that made every prompt of RealToxicityPrompts toxic: of 25 continuations one always passed .5."""
    texts = [f"{word} thing number {i}" for i in range(30) for word in ("vile", "nice")]
    toxic = [text.startswith("vile") for text in texts]
    half = fit_calibrated(texts, toxic, penalty=0.01, seed=0)
    rare = fit_calibrated(texts, toxic, penalty=0.01, seed=0, base_rate=0.05)
    before, after, vile = half.score("qwrt zxcv"), rare.score("qwrt zxcv"), rare.score("vile thing number 3")
    assert before is not None and after is not None and vile is not None
    assert before > 0.4 and after < 0.2 < vile


def test_fragments_are_short_runs_of_words_and_belong_to_the_seed():
    texts = ["too short", " ".join(f"w{i}" for i in range(60))]
    found = fragments(texts, 50, seed=0)
    assert len(found) == 50 and all(5 <= len(one.split()) <= 20 and one in texts[1] for one in found)
    assert found == fragments(texts, 50, seed=0) != fragments(texts, 50, seed=1)
