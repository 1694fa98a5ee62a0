from __future__ import annotations

import numpy as np
import pytest

from tunesmith.checks.tf_idf import main_directions, vectors


def test_weights_by_hand() -> None:
    found = vectors(["red red fox", "red dog", "dog ran", "all alone"])
    assert sorted(found.terms) == ["dog", "red"], "words of one text are left out"
    row = dict(zip(found.terms, found.matrix[[1]].toarray()[0], strict=True))
    # Both words occur in 2 of 4 texts, so they weigh the same: 1 / sqrt(2) each.
    assert row == pytest.approx({"dog": 2**-0.5, "red": 2**-0.5})
    assert found.matrix[[3]].toarray().sum() == 0


def test_a_word_of_every_text_weighs_nothing() -> None:
    found = vectors(["the cat", "the cat sat", "the dog sat"])
    column = found.terms.index("the")
    assert found.matrix.toarray()[:, column].tolist() == [0, 0, 0]


def test_main_directions_keep_the_angles_of_a_matrix_of_low_rank() -> None:
    found = vectors(["a b", "a b", "c d", "c d", "e f", "e f"])
    reduced = main_directions(found.matrix, 4, seed=0)
    assert (np.round(reduced @ reduced.T, 3) + 0.0).tolist() == np.kron(np.eye(3), np.ones((2, 2))).tolist()
    assert main_directions(vectors(["same", "same"]).matrix, 4, seed=0).tolist() == [[0.0], [0.0]]
