from __future__ import annotations

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.toxicity_training import fit_toxicity, folds_of, validate


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
