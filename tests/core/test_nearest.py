from __future__ import annotations

from tunesmith.core.nearest import did_you_mean, nearest

KEYS = ["optimizer.learning_rate", "optimizer.weight_decay", "seed", "kl_coef"]


def test_finds_a_misspelt_name() -> None:
    assert nearest("sead", KEYS) == "seed"
    assert nearest("kl_coeff", KEYS) == "kl_coef"


def test_finds_a_key_by_its_last_part() -> None:
    assert nearest("learning_rte", KEYS) == "optimizer.learning_rate"
    assert nearest("optim.weight_decay", KEYS) == "optimizer.weight_decay"


def test_nothing_close_is_none() -> None:
    assert nearest("zzz", KEYS) is None
    assert nearest("seed", []) is None


def test_remedy_names_the_nearest_or_all_of_a_few() -> None:
    assert did_you_mean("sead", KEYS) == "did you mean 'seed'?"
    assert did_you_mean("zzz", KEYS) == "known: kl_coef, optimizer.learning_rate, optimizer.weight_decay, seed"
    assert did_you_mean("zzz", [f"k{i}" for i in range(20)]) == ""
