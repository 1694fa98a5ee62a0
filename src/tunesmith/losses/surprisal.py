"""Surprise as a target: from the state at a token, how unlikely was that token?

    loss = sum over tokens of huber( s(h_t) - min(-log p(x_t | x_<t), cap) )
    huber(e) = e^2 / 2 where |e| < 1, else |e| - 1/2

A causal language model computes the log-probability of x_t at the position before, where a reward model, which reads
its score at the end, cannot look it up: whether an answer was to be expected has to be worked out again after it was
read. Training the states to hold it is what makes that possible (docs/decisions/0008-surprisal.md). Knowing what one
knows, as a head on a language model: Kadavath et al., arXiv 2207.05221, section 5.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

CAP = 5.0  # nats; beyond it, a token is simply wrong


def surprisal_loss(predicted: Tensor, logprobs: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the loss of predictions (M,) in nats against log-probs (M,), summed, each times its weight (M,).

    Log-probs and weights are constants.
    """
    wanted = logprobs.detach().neg().clamp(max=CAP).to(predicted.dtype)
    if weights is None:
        return F.smooth_l1_loss(predicted, wanted, reduction="sum")
    return weights.detach() @ F.smooth_l1_loss(predicted, wanted, reduction="none")
