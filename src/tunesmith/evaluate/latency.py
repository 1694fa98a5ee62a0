"""Response time of one model answering one prompt at a time: to the first token, and tokens a second after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tunesmith.model.generate import Sampling, stream
from tunesmith.model.load import LanguageModel


class Latency(NamedTuple):
    """Percentiles over `n` prompts; seconds, and tokens a second. Without a second token there is no rate."""

    first_token_p50_s: float
    first_token_p95_s: float
    total_p50_s: float
    total_p95_s: float
    tokens_per_second_p50: float | None
    n: int


def response_time(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    stop_ids: Sequence[int],
    sampling: Sampling,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Return the times of streaming one completion of each prompt; a first, unmeasured one warms up.

    `prompts` must not be empty.
    """
    for _ in stream(model.network, prompts[0], stop_ids=stop_ids, sampling=sampling):
        pass
    first, total, rates = [], [], []
    for prompt in prompts:
        begin = clock()
        times = [clock() for _ in stream(model.network, prompt, stop_ids=stop_ids, sampling=sampling)]
        end = clock()
        first.append((times[0] if times else end) - begin)
        total.append(end - begin)
        if len(times) > 1 and times[-1] > times[0]:
            rates.append((len(times) - 1) / (times[-1] - times[0]))
    return Latency(
        float(np.percentile(first, 50)),
        float(np.percentile(first, 95)),
        float(np.percentile(total, 50)),
        float(np.percentile(total, 95)),
        float(np.percentile(rates, 50)) if rates else None,
        len(prompts),
    )
