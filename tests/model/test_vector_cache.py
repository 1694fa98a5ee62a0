from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunesmith.model.vector_cache import VectorCache


class Lengths:
    """An embedder that counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.array([[len(text), text.count("a")] for text in texts], dtype=np.float32)


def test_a_restart_embeds_only_what_is_new(tmp_path: Path) -> None:
    embed = Lengths()
    first = VectorCache(embed, "one", tmp_path)(["banana", "kiwi", "banana"])
    assert embed.asked == ["banana", "kiwi"]
    later = VectorCache(embed, "one", tmp_path)
    np.testing.assert_array_equal(later(["kiwi", "banana"]), first[[1, 0]])
    assert later.computed == 0 and embed.asked == ["banana", "kiwi"]
    np.testing.assert_array_equal(later(["apple", "kiwi"]), [[5, 1], [4, 0]])
    assert later.computed == 1 and embed.asked[2:] == ["apple"]
    VectorCache(embed, "one", tmp_path)(["banana"])
    assert embed.asked[3:] == ["banana"]  # what was gone is not kept


def test_another_embedder_has_another_file(tmp_path: Path) -> None:
    embed = Lengths()
    for name in ("one", "two"):
        VectorCache(embed, name, tmp_path)(["kiwi"])
    assert embed.asked == ["kiwi", "kiwi"] and len(list(tmp_path.iterdir())) == 2


def test_a_damaged_file_is_made_anew_and_said(tmp_path: Path) -> None:
    embed = Lengths()
    VectorCache(embed, "one", tmp_path)(["kiwi"])
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:20])
    again = VectorCache(embed, "one", tmp_path)
    np.testing.assert_array_equal(again(["kiwi"]), [[4, 0]])
    assert str(file) in again.problem and again.computed == 1
    healed = VectorCache(embed, "one", tmp_path)
    healed(["kiwi"])
    assert not healed.problem and healed.computed == 0
