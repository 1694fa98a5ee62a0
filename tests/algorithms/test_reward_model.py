"""The reward model: T-RM-6 to T-RM-14 on networks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from transformers import PreTrainedModel

from tests.small import FAMILIES, classifier_of, network_of
from tunesmith.algorithms.reward_model import (
    RankedTree,
    RewardObjective,
    builder,
    calibrate,
    orders_of,
    pack_ranked,
    require_pairs,
    score_sequences,
    score_trees,
    with_logprobs,
)
from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Completion, Message, Ranking, RankingLabel
from tunesmith.data.batch import TokenSequence, TokenTree, pack, pack_trees
from tunesmith.data.chunks import split_by_tokens
from tunesmith.losses.preference import calibration
from tunesmith.model.network import (
    hidden_states,
    score_bias,
    score_head,
    scores_of,
    sequence_scores,
    source_states,
    target_logprobs,
)
from tunesmith.train.dataset_source import DatasetSource, Walk

RANKED = (
    RankedTree(TokenTree([5, 6, 7], [[8, 9, 2], [10, 2], [11, 12, 13, 2], [14, 2]], "a"), (((2,), (0,), (3,), (1,)),)),
    RankedTree(TokenTree([9, 8, 7, 6, 5], [[4, 2], [3, 3, 3, 2]], "b"), (((1,), (0,)), ((0,), (1,)))),
    RankedTree(TokenTree([20], [[21, 2], [22, 22, 2], [23, 2]], "c"), (((0,), (1, 2)),)),
)


def joined(tree: TokenTree) -> list[TokenSequence]:
    return [
        TokenSequence([*tree.prompt, *c], [False] * (len(tree.prompt) + len(c)), tree.key) for c in tree.completions
    ]


def gradients(network: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("family", FAMILIES)
def test_t_rm_6_one_tree_equals_a_forward_pass_for_each_side_of_each_pair(family: str) -> None:
    network = classifier_of(family)
    micro = pack_ranked(RANKED)
    loss = RewardObjective(network)(micro).loss_sum
    loss.backward()
    grouped = gradients(network)
    network.zero_grad()
    explicit = torch.zeros(())
    for tree, orders, *_ in RANKED:
        for order in orders:
            pairs = [(a, b) for i, up in enumerate(order) for low in order[i + 1 :] for a in up for b in low]
            for winner, loser in pairs:  # two passes for every pair
                one, other = (sequence_scores(network, pack([joined(tree)[k]])) for k in (winner, loser))
                explicit = explicit - torch.nn.functional.logsigmoid(one - other).squeeze() / len(pairs)
    explicit.backward()
    torch.testing.assert_close(loss, explicit, atol=1e-5, rtol=1e-5)
    for name, gradient in gradients(network).items():
        torch.testing.assert_close(grouped[name], gradient, atol=2e-5, rtol=1e-4)
    assert micro.weight == 4, "every ranking counts once: one, two and one"


@pytest.mark.parametrize("limit", [12, 40])
def test_t_rm_7_all_comparisons_of_a_prompt_are_in_one_micro_batch(limit: int) -> None:
    """And no prompt is cut, however few tokens fit; on every rank, each prompt is on one rank only."""
    rows = [RANKED[i % 3]._replace(tree=RANKED[i % 3].tree._replace(key=str(i))) for i in range(11)]
    seen: list[tuple[str, int]] = []
    for rank in range(2):
        walk = Walk(global_batch_size=4, micro_batch_tokens=limit, rank=rank, world_size=2)
        source = DatasetSource(rows, sizes=[r.size for r in rows], build=builder("surviving"), walk=walk)
        while (step := source.next_step()) is not None:
            for micro in step:
                first = 0
                for key in micro.keys:
                    k = len(rows[int(key)].tree.completions)
                    inside = (micro.pairs.pairs >= first) & (micro.pairs.pairs < first + k)
                    assert torch.equal(inside[:, 0], inside[:, 1]), "a comparison between two prompts"
                    seen.append((key, int(inside[:, 0].sum())))
                    first += k
    assert sorted(key for key, _ in seen) == sorted(str(i) for i in range(11))
    expected = {"0": 6, "1": 2, "2": 2}
    assert all(pairs == expected[str(int(key) % 3)] for key, pairs in seen)


@pytest.mark.parametrize("family", FAMILIES)
def test_t_rm_8_a_score_does_not_depend_on_padding_company_or_order(family: str) -> None:
    network = classifier_of(family)
    sequences = [s for row in RANKED for s in joined(row.tree)]
    alone = torch.stack([sequence_scores(network, pack([s]))[0] for s in sequences])
    for waste in (0.0, 0.1, 0.95):
        together = sequence_scores(network, pack(sequences, max_waste=waste))
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
        shared = sequence_scores(network, pack_trees([row.tree for row in RANKED], max_waste=waste))
        torch.testing.assert_close(shared, alone, atol=1e-5, rtol=1e-5)
    backward = sequence_scores(network, pack(sequences[::-1])).flip(0)
    torch.testing.assert_close(backward, alone, atol=1e-5, rtol=1e-5)
    for limit in (1, 9, 10_000):
        torch.testing.assert_close(
            score_sequences(network, sequences, micro_batch_tokens=limit), alone, atol=1e-5, rtol=1e-5
        )
        trees = score_trees(network, [row.tree for row in RANKED], micro_batch_tokens=limit)
        torch.testing.assert_close(
            torch.tensor([score for tree in trees for score in tree]), alone, atol=1e-5, rtol=1e-5
        )


PAD, END = 0, 1
INDEX_CASES = {
    "no padding": [5, 6, 7, END],
    "the pad token inside the prompt": [5, PAD, PAD, 7, 8, END],
    "an end token inside the prompt": [5, END, 6, 7, END],
    "a completion of one token": [5, END],
    "without an end token": [5, 6, 7, 8],
    "one token in all": [5],
}


@pytest.mark.parametrize("pad_is_end", [False, True])
@pytest.mark.parametrize("case", INDEX_CASES)
def test_t_rm_9_the_score_is_read_at_the_last_token(case: str, pad_is_end: bool) -> None:
    """Whatever the configuration calls padding: the place follows from the layout, not from looking for a token."""
    network = classifier_of("llama", pad_token_id=END if pad_is_end else PAD)
    target = TokenSequence(INDEX_CASES[case], [False] * len(INDEX_CASES[case]), "x")
    longer = TokenSequence([9, 10, 11, 12, 13, 14, 15, END], [False] * 8, "y")
    network.set_attn_implementation("eager")
    body = network.base_model(input_ids=torch.tensor([target.ids])).last_hidden_state[0, -1]
    expected = score_head(network)(body).detach()
    network.set_attn_implementation("tunesmith")
    got = sequence_scores(network, pack([longer, target], max_waste=0.95))[1:].detach()
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    tree = TokenTree(target.ids[:-1], [target.ids[-1:]], "x") if len(target.ids) > 1 else None
    if tree is not None:
        torch.testing.assert_close(torch.tensor(score_trees(network, [tree])[0]), expected, atol=1e-5, rtol=1e-5)


def test_t_rm_10_after_calibration_demonstrations_score_0_and_differences_stay() -> None:
    network = classifier_of("llama")
    demonstrations = [s for row in RANKED for s in joined(row.tree)]
    others = [TokenSequence([7, 7, 9, 2], [False] * 4, "o"), TokenSequence([30, 31, 2], [False] * 3, "p")]
    before, before_others = score_sequences(network, demonstrations), score_sequences(network, others)
    bias = calibrate(network, demonstrations)
    assert abs(bias) > 1e-3
    assert score_sequences(network, demonstrations).mean().item() == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(score_sequences(network, others), before_others + bias, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(score_sequences(network, demonstrations).diff(), before.diff(), atol=2e-6, rtol=1e-6)
    again = calibrate(network, demonstrations)
    assert again == pytest.approx(bias, abs=1e-6), "calibrating twice must not add the bias twice"


GOLD = (torch.randperm(12, generator=torch.Generator().manual_seed(99)) - 6).float()


def gold_rows(n: int, *, seed: int, flips: float = 0.0) -> tuple[list[RankedTree], torch.Tensor]:
    """Prompts of random tokens with two completions; the gold score is linear in the counts of tokens, no ties."""
    generator = torch.Generator().manual_seed(seed)
    rows: list[RankedTree] = []
    margins = []
    while len(rows) < n:
        prompt = torch.randint(3, 15, (2,), generator=generator).tolist()
        pair = torch.randint(3, 15, (2, 3), generator=generator)
        gold = GOLD[pair - 3].sum(dim=1)
        if gold[0] == gold[1]:
            continue
        better = int(gold[1] > gold[0])
        if float(torch.rand((), generator=generator)) < flips:
            better = 1 - better
        margins.append(float(gold[better] - gold[1 - better]))
        completions = [[*c, 2] for c in pair.tolist()]
        rows.append(RankedTree(TokenTree(prompt, completions, str(len(rows))), (((better,), (1 - better,)),)))
    return rows, torch.tensor(margins)


def train(network: PreTrainedModel, rows: Sequence[RankedTree], *, epochs: int, rate: float = 4e-3) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    objective = RewardObjective(network)
    generator = torch.Generator().manual_seed(0)
    total = epochs * math.ceil(len(rows) / 64)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / total)
    for _ in range(epochs):
        order = torch.randperm(len(rows), generator=generator).tolist()
        for start in range(0, len(rows), 64):
            micro = pack_ranked([rows[i] for i in order[start : start + 64]])
            optimizer.zero_grad()
            (objective(micro).loss_sum / micro.weight).backward()
            optimizer.step()
            scheduler.step()


def accuracy_on(network: PreTrainedModel, rows: Sequence[RankedTree]) -> float:
    """By the rows' own orders, not by what training made of them."""
    scores = score_trees(network, [r.tree for r in rows])
    right = [s[r.orders[0][0][0]] > s[r.orders[0][1][0]] for s, r in zip(scores, rows, strict=True)]
    return sum(right) / len(right)


@pytest.mark.slow
def test_t_rm_12_a_linear_gold_is_recovered() -> None:
    """Accuracy over 0.95 on fresh pairs."""
    network = network_for_recovery()
    train(network, gold_rows(5000, seed=0)[0], epochs=1, rate=8e-3)
    assert accuracy_on(network, gold_rows(400, seed=1)[0]) > 0.95


@pytest.mark.slow
def test_t_rm_12_with_a_quarter_of_the_labels_flipped() -> None:
    """Even a perfect model agrees with 0.75 of the noisy labels only."""
    network = network_for_recovery()
    train(network, gold_rows(5000, seed=0, flips=0.25)[0], epochs=2)
    assert accuracy_on(network, gold_rows(1000, seed=1)[0]) > 0.9
    noisy = accuracy_on(network, gold_rows(2000, seed=2, flips=0.25)[0])
    assert 0.70 < noisy < 0.75 + 3 * math.sqrt(0.75 * 0.25 / 2000)


def network_for_recovery() -> PreTrainedModel:
    network = classifier_of("llama")
    with torch.no_grad():
        score_head(network).weight.mul_(0.3)
    return network


@pytest.mark.slow
def test_t_rm_13_predicted_preferences_are_calibrated_on_bradley_terry_labels() -> None:
    """Labels drawn with probability sigmoid(gold margin): on fresh ones, calibration error under 0.03."""

    def bradley_terry(n: int, seed: int) -> list[RankedTree]:
        rows, margins = gold_rows(n, seed=seed)
        coin = torch.rand(n, generator=torch.Generator().manual_seed(seed + 50))
        flip = coin > torch.sigmoid(margins * 0.25)
        return [
            row._replace(orders=tuple(order[::-1] for order in row.orders)) if flipped else row
            for row, flipped in zip(rows, flip.tolist(), strict=True)
        ]

    network = network_for_recovery()
    train(network, bradley_terry(6000, 0), epochs=2)
    fresh = bradley_terry(4000, 1)
    scores = torch.tensor(score_trees(network, [r.tree for r in fresh]))
    pairs = pack_ranked(fresh).pairs.pairs
    flat = scores.flatten()
    assert calibration(flat[pairs[:, 0]] - flat[pairs[:, 1]]).error < 0.03


def test_t_rm_14_a_text_scores_the_same_in_either_slot_and_swapping_labels_mirrors_the_accuracy() -> None:
    network = classifier_of("llama")
    rows, _ = gold_rows(60, seed=5)
    swapped = [
        RankedTree(
            r.tree._replace(completions=r.tree.completions[::-1]), (((1 - r.orders[0][0][0],), (r.orders[0][0][0],)),)
        )
        for r in rows
    ]
    scores = torch.tensor(score_trees(network, [r.tree for r in rows]))
    other = torch.tensor(score_trees(network, [r.tree for r in swapped]))
    torch.testing.assert_close(scores, other.flip(1), atol=1e-6, rtol=1e-6)
    assert accuracy_on(network, swapped) == accuracy_on(network, rows), "the same pairs, told the other way round"
    against = [r._replace(orders=tuple(o[::-1] for o in r.orders)) for r in rows]
    assert accuracy_on(network, against) == pytest.approx(1 - accuracy_on(network, rows))
    assert accuracy_on(network, rows) != 0.5


def test_the_metrics_are_sums_over_what_they_count() -> None:
    network = classifier_of("llama")
    whole = RewardObjective(network)(pack_ranked(RANKED))
    parts = [RewardObjective(network)(pack_ranked([row])) for row in RANKED]
    for name in ("reward/loss", "reward/accuracy"):
        assert whole.metrics[name].weight == sum(p.metrics[name].weight for p in parts)
        assert whole.metrics[name].total == pytest.approx(sum(p.metrics[name].total for p in parts), abs=1e-5)


def test_a_labeler_with_twice_the_weight_counts_as_two() -> None:
    network = classifier_of("llama")
    tree = RANKED[1].tree
    one, other = RANKED[1].orders
    weighted = pack_ranked([RankedTree(tree, (one, other), weights=(2.0, 1.0)), RANKED[0]])
    repeated = pack_ranked([RankedTree(tree, (one, one, other)), RANKED[0]])
    assert weighted.weight == repeated.weight == 4
    losses = [RewardObjective(network)(micro).loss_sum for micro in (weighted, repeated)]
    torch.testing.assert_close(*losses)
    assert not torch.allclose(losses[0], RewardObjective(network)(pack_ranked([RANKED[1], RANKED[0]])).loss_sum)


def test_orders_follow_the_ids_and_a_comparison_is_an_order_of_two() -> None:
    messages = (Message("user", "x"),)
    completions = tuple(Completion(id=i, text=i) for i in ("p", "q", "r"))
    labels = (RankingLabel(labeler="a", order=(("r",), ("p", "q"))), RankingLabel(labeler="b", order=(("q",),)))
    record = Ranking(messages=messages, completions=completions, rankings=labels)
    assert orders_of(record) == (((2,), (0, 1)), ((1,),))
    assert orders_of(Comparison(messages=messages, chosen="y", rejected="n")) == (((0,), (1,)),)


def test_rankings_that_prefer_nothing_are_counted_and_refused_when_there_is_no_other() -> None:
    """All tied, and K = 1."""
    tied = RankedTree(TokenTree([5], [[6], [7]], "t"), (((0, 1),),))
    single = RankedTree(TokenTree([5], [[6]], "s"), (((0,),),))
    assert require_pairs([tied, single, RANKED[0]]) == 2
    with pytest.raises(DataError, match="no ranking prefers anything") as caught:
        require_pairs([tied, single])
    assert caught.value.exit_code == 3
    micro = pack_ranked([tied, single])
    out = RewardObjective(classifier_of("llama"))(micro)
    assert micro.weight == 0 and out.loss_sum.item() == 0


def test_a_prompt_is_read_once_for_all_its_completions() -> None:
    """One forward pass for K completions: the stream holds prompt + completions, not K times the prompt."""
    micro = pack_ranked(RANKED[:1])
    assert micro.tokens == RANKED[0].size == 3 + 3 + 2 + 4 + 2
    assert len(hidden_states(classifier_of("llama"), micro.batch)) < sum(len(s.ids) for s in joined(RANKED[0].tree))


def test_splitting_by_tokens_keeps_every_index_once() -> None:
    parts = split_by_tokens([4, 2, 0, 1], [9, 1, 5, 100, 5], 10)
    assert sorted(i for part in parts for i in part) == [0, 1, 2, 4]
    assert score_bias(network_of("llama")) == 0.0


def test_surprisal_of_the_policy_is_added_and_does_not_depend_on_micro_batches() -> None:
    network, policy = classifier_of("llama"), network_of("llama")
    rows = with_logprobs(policy, RANKED)
    for row in rows:
        assert row.logprobs is not None and len(row.logprobs) == sum(map(len, row.tree.completions))
        expected = target_logprobs(policy, pack_trees([row.tree])).logprobs.detach()
        torch.testing.assert_close(row.logprobs, expected, atol=1e-5, rtol=1e-5)
    plain = RewardObjective(network)(pack_ranked(rows)).loss_sum
    objective = RewardObjective(network, surprisal_coef=2.0)
    assert set(objective.modules) == {"reward_model", "surprisal"}
    whole = objective(pack_ranked(rows)).loss_sum
    apart = sum(objective(pack_ranked([row])).loss_sum for row in rows)
    torch.testing.assert_close(whole, apart)
    by_hand = 0.0
    for row in rows:
        batch = pack_trees([row.tree])
        said = objective.modules["surprisal"](hidden_states(network, batch)[batch.place])
        wanted = (-row.logprobs).clamp(max=5)
        by_hand += len(row.orders) * torch.nn.functional.smooth_l1_loss(said, wanted).item()
    assert whole.item() - plain.item() == pytest.approx(2.0 * by_hand, rel=1e-4)


def test_without_log_probs_a_ranking_has_no_surprisal() -> None:
    network = classifier_of("llama")
    plain, asked = RewardObjective(network), RewardObjective(network, surprisal_coef=1.0)
    assert asked(pack_ranked(RANKED)).loss_sum.item() == plain(pack_ranked(RANKED)).loss_sum.item()


def test_every_state_foretells_the_score_of_its_completion_and_the_score_is_a_constant() -> None:
    network = classifier_of("llama")
    plain = RewardObjective(network)(pack_ranked(RANKED)).loss_sum
    objective = RewardObjective(network, value_coef=2.0)
    whole = objective(pack_ranked(RANKED)).loss_sum
    torch.testing.assert_close(whole, sum(objective(pack_ranked([row])).loss_sum for row in RANKED))
    by_hand = torch.zeros(())
    for row in RANKED:
        batch = pack_trees([row.tree])
        scores = sequence_scores(network, batch).detach()  # not a target that moves towards the values
        off = (scores_of(network, source_states(network, batch)) - scores[batch.owner]).square() / 2
        by_hand = by_hand + len(row.orders) * off.mean()
    torch.testing.assert_close(whole - plain, 2.0 * by_hand, atol=1e-5, rtol=1e-5)
    (whole - plain).backward()
    found = gradients(network)
    network.zero_grad()
    (2.0 * by_hand).backward()
    for name, gradient in gradients(network).items():
        torch.testing.assert_close(found[name], gradient, atol=2e-5, rtol=1e-4)
