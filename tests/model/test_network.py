"""Every way to compute a loss gives the same training: T-GA-12. And what a network is refused for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from tests.small import FAMILIES, classifier_of, config_of, network_of
from tunesmith.core.errors import ConfigError
from tunesmith.data import layout
from tunesmith.data.batch import TokenSequence, TokenTree, pack, pack_trees
from tunesmith.model.network import (
    hidden_states,
    logits_at,
    projection,
    score_bias,
    scores_of,
    sequence_scores,
    source_states,
    target_logprobs,
    target_nll_sum,
)

TREES = [
    TokenTree([5, 6, 7, 8, 9], [[10, 11, 2], [12, 2], [13, 14, 15, 2]], "a"),
    TokenTree([20, 21], [[22, 2], [23, 24, 25, 2]], "b"),
]
FLAT = [
    TokenSequence([*t.prompt, *c], [False] * len(t.prompt) + [True] * len(c), t.key)
    for t in TREES
    for c in t.completions
]
TARGETS = sum(len(c) for t in TREES for c in t.completions)


def shared(network: PreTrainedModel) -> Tensor:
    return target_nll_sum(network, pack_trees(TREES))


def packed(network: PreTrainedModel) -> Tensor:
    return target_nll_sum(network, pack(FLAT))


def eager(network: PreTrainedModel) -> Tensor:
    """transformers' own forward pass on a padded batch, and torch's own cross-entropy."""
    width = max(len(row.ids) for row in FLAT)
    ids = torch.tensor([[*row.ids, *[0] * (width - len(row.ids))] for row in FLAT])
    learned = torch.tensor([[*row.loss_mask, *[False] * (width - len(row.ids))] for row in FLAT])
    logits = network(input_ids=ids, attention_mask=(ids != 0).long()).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1][learned[:, 1:]], ids[:, 1:][learned[:, 1:]], reduction="sum"
    )


def sdpa(network: PreTrainedModel) -> Tensor:
    return eager(network)


WAYS: dict[str, tuple[str, Callable[[PreTrainedModel], Tensor]]] = {
    "shared": ("tunesmith", shared),
    "packed": ("tunesmith", packed),
    "sdpa": ("sdpa", sdpa),
    "eager": ("eager", eager),
}


def trajectory(way: str, *, steps: int, family: str = "llama") -> Tensor:
    network = network_of(family, 64)
    attention, loss_of = WAYS[way]
    network.set_attn_implementation(attention)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(network) / TARGETS
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).double()


@pytest.fixture(scope="module")
def straight() -> Tensor:
    return trajectory("eager", steps=50)


@pytest.mark.parametrize(
    "way", ["shared", pytest.param("packed", marks=pytest.mark.slow), pytest.param("sdpa", marks=pytest.mark.slow)]
)
def test_t_ga_12_fifty_steps_follow_the_classes_own_trajectory(way: str, straight: Tensor) -> None:
    """Equal within rounding, and what rounding leaves has no direction: its mean is under 3 standard errors."""
    found = trajectory(way, steps=50)
    assert straight[-1] < 0.5 * straight[0], "there is something to follow"
    residual = (found - straight) / straight
    assert residual.abs().max() < 1e-4
    standard_error = residual.std(correction=1) / 50**0.5
    # Rounding of a step stays in the weights, so residuals of neighbouring steps agree: 50 are worth fewer.
    floor = 1e-6
    assert abs(residual.mean()) < max(3 * standard_error, floor)


@pytest.mark.parametrize("family", FAMILIES)
def test_t_ga_12_every_family_takes_the_same_first_steps(family: str) -> None:
    expected = trajectory("eager", steps=4, family=family)
    for way in ("shared", "packed"):
        torch.testing.assert_close(trajectory(way, steps=4, family=family), expected, atol=2e-4, rtol=2e-5)


def test_soft_capped_logits_are_the_same_in_every_path() -> None:
    """Gemma 2's logits are capped; log-probs, likelihood and generator read them through one projection."""
    network = network_of("gemma2", 64, final_logit_softcapping=2.0)
    batch = pack(FLAT)
    logits = logits_at(network, hidden_states(network, batch))
    assert logits.abs().max() < 2.0
    expected = torch.log_softmax(logits[batch.source], -1).gather(1, batch.targets[:, None])[:, 0]
    torch.testing.assert_close(target_logprobs(network, batch).logprobs, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(target_nll_sum(network, batch), -expected.sum(), atol=1e-4, rtol=1e-5)


def test_scores_and_values_add_the_bias_once() -> None:
    """T-RM-10."""
    network = classifier_of("llama", 64)
    batch = pack(FLAT)
    scores = sequence_scores(network, batch).detach()
    values = scores_of(network, source_states(network, batch)).detach()
    network.config.tunesmith_score_bias = 1.5
    assert score_bias(network) == 1.5
    torch.testing.assert_close(sequence_scores(network, batch).detach(), scores + 1.5)
    torch.testing.assert_close(scores_of(network, source_states(network, batch)).detach(), values + 1.5)


def test_values_and_scores_read_one_head_at_their_places() -> None:
    """A value is read where the next token is predicted; a score at the last token itself."""
    network = classifier_of("llama", 64)
    batch = pack(FLAT[:1])
    everywhere = network.score(hidden_states(network, batch)).squeeze(-1).detach()
    torch.testing.assert_close(scores_of(network, source_states(network, batch)).detach(), everywhere[4:7])
    torch.testing.assert_close(sequence_scores(network, batch).detach(), everywhere[7:8])


def test_a_network_in_the_wrong_place_is_named() -> None:
    with pytest.raises(ConfigError, match="no vocabulary projection"):
        projection(classifier_of("llama", 64))
    with pytest.raises(ConfigError, match="no scalar score head"):
        sequence_scores(network_of("llama", 64), pack(FLAT))
    with pytest.raises(ConfigError, match="no scalar score head"):
        sequence_scores(
            AutoModelForSequenceClassification.from_config(config_of("llama", 64, num_labels=2)), pack(FLAT)
        )


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_bf16_streams_have_few_lengths_and_the_same_states(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU each new length costs bf16 products that are compiled for it (T-GA-12 holds to bf16's rounding)."""
    network, seen = network_of(family), []
    network.base_model.register_forward_pre_hook(
        lambda _module, _args, given: seen.append(given["input_ids"].shape[1]), with_kwargs=True
    )

    def gradients() -> list[Tensor]:
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            states = hidden_states(network, pack_trees(TREES))
            loss = target_nll_sum(network, pack_trees(TREES))
        loss.backward()
        return [states.detach(), *(p.grad.clone() for p in network.parameters() if p.grad is not None)]

    filled = gradients()
    shared(network)
    assert seen == [layout.FILLED_TO, layout.FILLED_TO, pack_trees(TREES).layout.length]
    monkeypatch.setattr(layout, "FILLED_TO", 1)
    for one, other in zip(filled, gradients(), strict=True):
        assert float((one - other).float().norm()) <= 0.01 * float(other.float().norm())
    assert seen[-1] == seen[2]
