"""Direct preference optimisation: T-PO-4, T-PO-5, T-PO-6 and T-PO-12 on networks."""

from __future__ import annotations

import math

import pytest
import torch

from tests.small import FAMILIES, network_of
from tunesmith.algorithms.dpo import DpoObjective, ReferencedPair, pack_pairs, summed_logprobs, with_reference
from tunesmith.data.batch import TokenTree, pack_trees
from tunesmith.model.lora import LoraSettings, add_lora, without_lora

TREES = (
    TokenTree([5, 6, 7], [[8, 9, 2], [10, 2]], "a"),
    TokenTree([9, 8, 7, 6, 5, 4], [[4, 2], [3, 3, 3, 2]], "b"),
    TokenTree([20], [[21, 2], [22, 22, 2]], "c"),
)


def stir(network: torch.nn.Module, seed: int = 5) -> None:
    """Move every trainable weight a little."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))


@pytest.mark.parametrize("limit", [1, 12, 10_000])
def test_t_po_4_the_reference_beforehand_equals_on_the_fly_and_the_base_without_adapters(limit: int) -> None:
    """With LoRA trained for a while, its base is still the reference."""
    network = network_of("llama")
    beforehand = with_reference(network, TREES, micro_batch_tokens=limit)
    micro = pack_pairs(beforehand)
    with torch.no_grad():
        on_the_fly = summed_logprobs(network, micro.batch).reshape(-1, 2)
    torch.testing.assert_close(micro.ref_chosen, on_the_fly[:, 0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(micro.ref_rejected, on_the_fly[:, 1], atol=1e-5, rtol=1e-5)
    add_lora(network, LoraSettings(rank=4), seed=0)
    stir(network)
    with torch.no_grad():
        trained = summed_logprobs(network, micro.batch).reshape(-1, 2)
        with without_lora(network):
            base = summed_logprobs(network, micro.batch).reshape(-1, 2)
        again = summed_logprobs(network, micro.batch).reshape(-1, 2)
    torch.testing.assert_close(base, on_the_fly, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(trained, base, atol=1e-2)
    assert torch.equal(trained, again), "the adapters are on again afterwards"


def test_t_po_4_dropout_is_off_in_the_reference() -> None:
    network = network_of("gpt2", resid_pdrop=0.5, embd_pdrop=0.5, attn_pdrop=0.5)
    expected = with_reference(network, TREES, micro_batch_tokens=100)
    network.train()
    assert with_reference(network, TREES, micro_batch_tokens=100) == expected
    assert network.training


@pytest.mark.parametrize("family", FAMILIES)
def test_t_po_5_chosen_and_rejected_together_equal_two_forward_passes(family: str) -> None:
    network = network_of(family)
    together = summed_logprobs(network, pack_trees(TREES, max_waste=0.95)).reshape(-1, 2).detach()
    for side in (0, 1):
        alone = [TokenTree(t.prompt, [t.completions[side]], t.key) for t in TREES]
        torch.testing.assert_close(
            together[:, side], summed_logprobs(network, pack_trees(alone)).detach(), atol=1e-5, rtol=1e-5
        )


def test_t_po_6_sums_leave_the_prompt_and_padding_out_and_the_end_token_in() -> None:
    network = network_of("llama")
    network.set_attn_implementation("eager")
    expected = []
    for tree in TREES:
        for completion in tree.completions:
            ids = [*tree.prompt, *completion]
            logits = network(input_ids=torch.tensor([ids])).logits[0].detach()
            logprobs = torch.log_softmax(logits, -1)
            expected.append(sum(float(logprobs[t - 1, ids[t]]) for t in range(len(tree.prompt), len(ids))))
    network.set_attn_implementation("tunesmith")
    got = summed_logprobs(network, pack_trees(TREES, max_waste=0.95)).detach()
    torch.testing.assert_close(got, torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_t_po_6_permuting_a_batch_permutes_the_losses() -> None:
    policy = network_of("llama", seed=1)
    pairs = with_reference(network_of("llama"), TREES, micro_batch_tokens=100)
    objective = DpoObjective(policy, beta=0.3)
    apart = [objective(pack_pairs([p])).loss_sum.item() for p in pairs]
    assert len({round(x, 4) for x in apart}) == 3
    for order in ([2, 0, 1], [1, 2, 0], [0, 1, 2]):
        micro = pack_pairs([pairs[i] for i in order])
        sums = summed_logprobs(policy, micro.batch).reshape(-1, 2).detach()
        h = (sums[:, 0] - micro.ref_chosen) - (sums[:, 1] - micro.ref_rejected)
        losses = -torch.nn.functional.logsigmoid(0.3 * h)
        torch.testing.assert_close(losses, torch.tensor([apart[i] for i in order]), atol=1e-5, rtol=1e-5)
        assert objective(micro).loss_sum.item() == pytest.approx(sum(apart), abs=1e-5)
        assert micro.keys == tuple(TREES[i].key for i in order)


def test_t_po_1_before_the_first_step_the_loss_is_ln_2_and_accuracy_a_half() -> None:
    network = network_of("llama")
    out = DpoObjective(network, beta=0.1)(pack_pairs(with_reference(network, TREES, micro_batch_tokens=100)))
    assert out.loss_sum.item() == pytest.approx(3 * math.log(2), abs=1e-5)
    out.loss_sum.backward()
    assert any(p.grad is not None and p.grad.abs().max() > 1e-3 for p in network.parameters())


def test_t_po_2_swapping_the_sides_mirrors_margin_and_accuracy() -> None:
    policy = network_of("llama", seed=1)
    objective = DpoObjective(policy, beta=0.3)
    pairs = with_reference(network_of("llama"), TREES, micro_batch_tokens=100)
    swapped = [
        ReferencedPair(p.tree._replace(completions=p.tree.completions[::-1]), p.ref_rejected, p.ref_chosen)
        for p in pairs
    ]
    one, other = objective(pack_pairs(pairs)).metrics, objective(pack_pairs(swapped)).metrics
    assert one["dpo/margin"].total == pytest.approx(-other["dpo/margin"].total, abs=1e-5)
    assert one["dpo/accuracy"].total == 3 - other["dpo/accuracy"].total
    assert one["dpo/reward_chosen"].total == pytest.approx(other["dpo/reward_rejected"].total, abs=1e-5)


def test_t_po_12_equal_sides_give_ln_2_no_gradient_and_half_an_accuracy() -> None:
    policy = network_of("llama", seed=1)
    tree = TokenTree([5, 6, 7], [[8, 9, 2], [8, 9, 2]], "same")
    pairs = with_reference(network_of("llama"), [tree], micro_batch_tokens=100)
    out = DpoObjective(policy, beta=0.3)(pack_pairs(pairs))
    out.loss_sum.backward()
    assert out.loss_sum.item() == pytest.approx(math.log(2), abs=1e-6)
    assert out.metrics["dpo/accuracy"].total == 0.5
    assert max(float(p.grad.abs().max()) for p in policy.parameters() if p.grad is not None) < 1e-6


def test_a_pair_is_learned() -> None:
    network = network_of("llama")
    micro = pack_pairs(with_reference(network, TREES, micro_batch_tokens=100))
    objective = DpoObjective(network, beta=0.3)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    for _ in range(20):
        optimizer.zero_grad()
        (objective(micro).loss_sum / micro.weight).backward()
        optimizer.step()
    assert objective(micro).loss_sum.item() / 3 < 0.3
    assert objective(micro).metrics["dpo/accuracy"].total == 3
