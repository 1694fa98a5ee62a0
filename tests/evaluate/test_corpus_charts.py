from __future__ import annotations

import numpy as np

from tunesmith.evaluate.corpus_charts import MOST_BARS, cluster_sizes, distribution, links, nearest, row_map, shares

EDGES = np.linspace(0.0, 4.0, 5).tolist()


def test_outliers_are_red_beyond_the_limits_only() -> None:
    data = {"edges": EDGES, "counts": [5, 9, 9, 1], "low": None, "high": 2.9}
    assert "var(--bad)" in distribution(data, name="rarity", label="bits")
    calm = distribution(data | {"high": 9.0}, name="rarity", label="bits")
    assert "var(--bad)" not in calm and "no row is an outlier" in calm


def test_lengths_are_labelled_in_words() -> None:
    svg = distribution(
        {"edges": EDGES, "counts": [1, 2, 3, 4], "low": None, "high": None}, name="l", label="w", words=True
    )
    assert ">20<" in svg and ">50<" in svg and ">100<" not in svg


def test_many_sizes_of_clusters_end_in_one_bar_and_none_draw_nothing() -> None:
    svg = cluster_sizes({"size": list(range(2, 22)), "clusters": [3] * 20})
    assert f">{MOST_BARS + 1}+<" in svg and f">{3 * (20 - MOST_BARS + 1)}<" in svg
    assert cluster_sizes({"size": [], "clusters": []}) == ""


def test_the_map_colours_the_largest_clusters() -> None:
    svg = row_map({"x": [0.1, 0.2, 0.3], "y": [0.0, 0.1, 0.2], "cluster": [4, 4, 0], "text": ["a", "b", "c"]})
    assert "cluster 5" in svg and "cluster 1" in svg and "#01f" not in svg


def test_the_other_charts_name_what_they_show() -> None:
    assert "open qa" in shares({"open_qa": 7}, name="tasks", label="rows")
    assert "its own question" in links({"edges": [0.0, 0.5, 1.0], "own": [1, 3], "other": [9, 1]})
    assert "most similar" in nearest({"edges": [0.0, 0.5, 1.0], "counts": [1, 3]})
