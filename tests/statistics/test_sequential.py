from __future__ import annotations

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.statistics.sequential import mixture_sprt, win_e_value, win_p_values


def test_beta_binomial_fixture_t_ev_11():
    """T-EV-11: 60/100 and 70/100 of rlhf_spec 6.7."""
    assert win_e_value(60, 40) == pytest.approx(0.91305, abs=1e-5)
    assert win_e_value(70, 30) == pytest.approx(427.31, abs=0.01)
    assert 1 / win_e_value(70, 30) == pytest.approx(0.00234, abs=1e-5)


def test_peeking_at_every_observation_stays_below_alpha_t_ev_11():
    """T-EV-11: 1,000 null runs of 1,000 looks each; the ordinary z-test under the same peeking rejects many."""
    generator = np.random.default_rng(0)
    runs = generator.normal(size=(1000, 1000))
    rejected = np.mean([mixture_sprt(run, sigma=1.0, tau=1.0)[-1] < 0.05 for run in runs])
    assert rejected <= 0.05
    z = np.abs(np.cumsum(runs, axis=1)) / np.sqrt(np.arange(1, 1001))
    assert np.mean((z[:, 9:] > 1.96).any(axis=1)) > 0.3
    coins = generator.random((300, 1000)) < 0.5
    assert np.mean([win_p_values(run.tolist())[-1] < 0.05 for run in coins]) <= 0.07


def test_power_at_sixty_per_cent_t_ev_11():
    """T-EV-11: found by n = 1,000 in more than 90 % of runs."""
    coins = np.random.default_rng(1).random((100, 1000)) < 0.6
    assert np.mean([win_p_values(run.tolist())[-1] < 0.05 for run in coins]) > 0.9


def test_p_never_rises_t_ev_11():
    """T-EV-11"""
    generator = np.random.default_rng(2)
    assert np.all(np.diff(mixture_sprt(generator.normal(0.2, 1.0, 300), sigma=1.0, tau=0.5)) <= 0)
    assert np.all(np.diff(win_p_values((generator.random(200) < 0.6).tolist())) <= 0)
    with pytest.raises(DataError):
        mixture_sprt([1.0], sigma=0.0, tau=1.0)
