"""Every suite by name."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import did_you_mean
from tunesmith.evaluate.suites import (
    crows_pairs,
    demonstrations,
    desk,
    gsm8k,
    hellaswag,
    ifeval,
    real_toxicity_prompts,
    squad2,
    truthfulqa,
    winogender,
)
from tunesmith.evaluate.suites.suite import Suite

SUITES: Mapping[str, Suite] = {
    suite.name: suite
    for suite in (
        truthfulqa.CHOICES,
        truthfulqa.GENERATION,
        hellaswag.SUITE,
        squad2.SUITE,
        gsm8k.SUITE,
        ifeval.SUITE,
        real_toxicity_prompts.SUITE,
        winogender.SUITE,
        crows_pairs.SUITE,
        desk.SUITE,
        demonstrations.SUITE,
    )
}


def suite_named(name: str) -> Suite:
    """Return the suite.

    Raises:
        ConfigError: there is none of that name; the nearest is named.
    """
    if name in SUITES:
        return SUITES[name]
    raise ConfigError(
        f"no suite {name!r}", where="suite", remedy=did_you_mean(name, SUITES) or f"there are {', '.join(SUITES)}"
    )
