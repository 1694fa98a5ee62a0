"""Packed attention: T-GA-1, T-GA-2, T-GA-3, T-GA-7, T-RL-1, T-PO-5, and parity with transformers' own forward."""

from __future__ import annotations

import pytest
import torch

from tests.small import FAMILIES, network_of
from tunesmith.core.errors import TunesmithError
from tunesmith.data.batch import TokenSequence, TokenTree, pack, pack_trees
from tunesmith.model.attention import NAME
from tunesmith.model.network import hidden_states, logits_at, target_logprobs, target_nll_sum


def rows(lengths: tuple[int, ...], *, seed: int = 0, vocab: int = 64) -> list[TokenSequence]:
    generator = torch.Generator().manual_seed(seed)
    out = []
    for number, n in enumerate(lengths):
        ids = torch.randint(2, vocab, (n,), generator=generator).tolist()
        out.append(TokenSequence(ids, [False] * (n // 3) + [True] * (n - n // 3), str(number)))
    return out


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_the_classes_own(family: str) -> None:
    network = network_of(family)
    batch = pack(rows((9, 4, 12, 7, 9)))
    ours = logits_at(network, hidden_states(network, batch))
    network.set_attn_implementation("eager")
    for row, last in zip(rows((9, 4, 12, 7, 9)), batch.last.tolist(), strict=True):
        theirs = network(input_ids=torch.tensor([row.ids])).logits[0]
        mine = ours[last - len(row.ids) + 1 : last + 1]
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)
    network.set_attn_implementation(NAME)


@pytest.mark.parametrize("family", FAMILIES)
def test_t_rl_1_logprobs_equal_a_loop_over_single_sequences_step_by_step(family: str) -> None:
    network = network_of(family)
    data = rows((7, 11, 5))
    ours = target_logprobs(network, pack(data)).logprobs
    network.set_attn_implementation("eager")
    theirs = []
    for row in data:
        for place in range(1, len(row.ids)):
            if row.loss_mask[place]:
                logits = network(input_ids=torch.tensor([row.ids[:place]])).logits[0, -1].detach()
                theirs.append(float(torch.log_softmax(logits, -1)[row.ids[place]]))
    torch.testing.assert_close(ours, torch.tensor(theirs), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_t_ga_1_packed_loss_and_gradient_equal_the_unpacked(family: str) -> None:
    data = rows((9, 4, 12, 7))
    network = network_of(family)
    target_nll_sum(network, pack(data)).backward()
    packed = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
    network.zero_grad()
    total = sum(target_nll_sum(network, pack([row])) for row in data)
    total.backward()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(packed[name], parameter.grad, atol=2e-5, rtol=1e-4)


def test_t_ga_1_in_double_precision() -> None:
    data = rows((9, 4, 12, 7))
    network = network_of("llama").double()
    packed = target_nll_sum(network, pack(data))
    apart = sum(target_nll_sum(network, pack([row])) for row in data)
    assert abs((packed - apart).item()) < 1e-10 * abs(apart.item())


def test_t_ga_2_no_document_sees_another() -> None:
    network = network_of("llama")
    data = rows((9, 9, 6))
    before = hidden_states(network, pack(data))
    changed = [data[0]._replace(ids=[(t + 1) % 60 + 2 for t in data[0].ids]), *data[1:]]
    batch = pack(changed)
    after = hidden_states(network, batch)
    for index in (1, 2):
        last, n = int(batch.last[index]), len(data[index].ids)
        assert torch.equal(before[last - n + 1 : last + 1], after[last - n + 1 : last + 1])
    assert not torch.allclose(before[batch.last[0]], after[batch.last[0]])


@pytest.mark.parametrize("family", FAMILIES)
def test_t_ga_3_document_order_does_not_matter(family: str) -> None:
    network = network_of(family)
    data = rows((9, 9, 4, 9))  # those of one length lie in the order given

    def losses(order: list[int]) -> dict[str, float]:
        batch = pack([data[i] for i in order])
        logprobs = target_logprobs(network, batch).logprobs.detach()
        return {batch.keys[i]: float(logprobs[batch.owner == i].sum()) for i in range(len(order))}

    assert losses([0, 1, 2, 3]) == pytest.approx(losses([3, 2, 0, 1]), abs=1e-5)


@pytest.mark.parametrize("waste", [0.0, 0.9])
def test_t_ga_7_the_amount_of_padding_changes_nothing(waste: float) -> None:
    network = network_of("llama")
    data = rows((3, 12, 5, 9))
    tight = target_logprobs(network, pack(data, max_waste=0.0)).logprobs
    padded = pack(data, max_waste=waste)
    torch.testing.assert_close(target_logprobs(network, padded).logprobs, tight, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_t_po_5_sharing_the_prompt_equals_separate_forward_passes(family: str) -> None:
    network = network_of(family)
    trees = [
        TokenTree([5, 6, 7, 8, 9, 10, 11], [[1, 2, 3], [4, 5], [6, 7, 8, 9]], "a"),
        TokenTree([9, 8], [[3, 3, 3], [2]], "b"),
    ]
    flat = [
        TokenSequence([*t.prompt, *c], [False] * len(t.prompt) + [True] * len(c), "x")
        for t in trees
        for c in t.completions
    ]
    shared, apart = pack_trees(trees), pack(flat)
    assert shared.tokens < apart.tokens
    loss = target_nll_sum(network, shared)
    loss.backward()
    gradient = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
    network.zero_grad()
    other = target_nll_sum(network, apart)
    other.backward()
    torch.testing.assert_close(loss, other, atol=1e-5, rtol=1e-5)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(gradient[name], parameter.grad, atol=2e-5, rtol=1e-4)


def test_calling_a_packed_model_without_a_layout_says_so() -> None:
    with pytest.raises(TunesmithError, match="without a layout"):
        network_of("llama")(input_ids=torch.tensor([[3, 4, 5]]))


def test_an_unknown_architecture_twist_would_be_noticed() -> None:
    """The sliding window of Gemma 2 matters here: longer than its 4 tokens, so ignoring it must change the result."""
    network = network_of("gemma2")
    data = rows((12,))
    with_window = hidden_states(network, pack(data))
    wide = network_of("gemma2", sliding_window=64)
    assert not torch.allclose(with_window, hidden_states(wide, pack(data)), atol=1e-3)
