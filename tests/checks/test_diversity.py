from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tests.checks.dividing import asked, result, rows_of, same_however_divided
from tunesmith.checks.diversity import Diversity, DiversityConfig, lopsidedness
from tunesmith.core.records import Demonstration

TOPICS = {
    "kitchen": ["pan", "oven", "soup", "knife", "bake", "flour", "salt", "recipe", "spoon", "boil"],
    "garden": ["soil", "seed", "spade", "rose", "hedge", "water", "grow", "lawn", "prune", "tulip"],
    "music": ["violin", "chord", "drum", "melody", "tune", "concert", "piano", "rhythm", "song", "choir"],
    "sport": ["goal", "match", "referee", "team", "score", "league", "coach", "stadium", "player", "win"],
}


def rows(counts: dict[str, int], seed: int = 0) -> list[Demonstration]:
    rng = random.Random(seed)
    made = [asked(" ".join(rng.sample(TOPICS[topic], 7)), "yes") for topic, n in counts.items() for _ in range(n)]
    rng.shuffle(made)
    return made


def numbers(counts: dict[str, int]) -> dict[str, Any]:
    return dict(result(Diversity(), rows_of(rows(counts))).numbers)


def test_lopsidedness_of_known_kinds() -> None:
    # Three kinds with shares 1/2, 1/4, 1/4: D0 = 3, D2 = 1 / (1/4 + 1/16 + 1/16) = 8/3.
    kind = np.repeat([0, 1, 2], [200, 100, 100])
    measured = lopsidedness((kind[:, None] == kind[None, :]).astype(float), 0.25, seed=0)
    assert measured["kinds"] == pytest.approx(3, rel=1e-4)
    assert measured["common_kinds"] == pytest.approx(8 / 3, rel=1e-4)
    assert measured["lopsidedness"]["value"] == pytest.approx(1 / 9, abs=1e-4)


def test_the_interval_holds_the_truth_of_the_population() -> None:
    truth, hits = 1 / 9, 0
    for seed in range(60):
        kind = np.random.default_rng(seed).choice(3, p=[0.5, 0.25, 0.25], size=300)
        rate = lopsidedness((kind[:, None] == kind[None, :]).astype(float), 0.25, seed=seed)["lopsidedness"]
        hits += rate["low"] <= truth <= rate["high"]
    assert hits >= 51, "95 % intervals should hold it about 57 times of 60"


def test_even_data_are_even_and_one_corner_is_lopsided() -> None:
    even = numbers(dict.fromkeys(TOPICS, 100))["lopsidedness"]
    thick = numbers({"kitchen": 370, "garden": 10, "music": 10, "sport": 10})["lopsidedness"]
    assert even["high"] < 0.2
    assert thick["low"] > 0.6


def test_the_words_name_the_thick_and_the_thin() -> None:
    outcome = result(
        Diversity(DiversityConfig(clusters=8, directions=8, over=2.0)),
        rows_of(rows({"kitchen": 370, "garden": 10, "music": 10, "sport": 10})),
    )
    assert any(line.startswith("the rows are lopsided") for line in outcome.advice)
    thin = " ".join(line for line in outcome.advice if line.startswith("under-represented"))
    assert any(word in thin for topic in ("garden", "music", "sport") for word in TOPICS[topic])


def test_repeated_rows_have_neighbours_and_count_once() -> None:
    same = [asked("pan oven soup knife" if i % 2 else "soil seed spade rose", "a") for i in range(60)]
    measured = result(Diversity(), rows_of(same)).numbers
    assert measured["coverage"]["value"] == 1.0
    assert measured["different_rows"] == pytest.approx(2.0)
    assert measured["prompt_distinct_1"] == pytest.approx(8 / 240)


def test_the_plots_are_whole() -> None:
    plots = result(Diversity(), rows_of(rows(dict.fromkeys(TOPICS, 50)))).plots
    lengths = {len(values) for values in plots["map"].values()}
    assert lengths == {200}
    assert sum(plots["nearest"]["counts"]) == 200
    assert sum(cluster["rows"] for cluster in plots["clusters"]) == 200


def test_however_the_rows_are_divided() -> None:
    same_however_divided(Diversity(DiversityConfig(sample=150)), rows_of(rows(dict.fromkeys(TOPICS, 100))))


def test_a_handful_of_rows_is_not_judged() -> None:
    assert "lopsidedness" not in result(Diversity(), rows_of(rows({"garden": 12}))).numbers
