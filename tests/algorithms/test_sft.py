"""Supervised fine-tuning: reductions (T-GA-8), over-fitting (T-GA-13), end token learned (T-TOK-11)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import pytest
import torch
from transformers import PreTrainedModel

from tests.small import network_of, small_chat_model
from tunesmith.algorithms.sft import LanguageBatch, LanguageObjective, builder, mean_nll
from tunesmith.core.records import Message
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model.generate import Sampling, generate
from tunesmith.model.network import hidden_states, target_logprobs
from tunesmith.train.distributed import World
from tunesmith.train.step import GlobalStep
from tunesmith.train.task import TrainingTask
from tunesmith.train.trainable import Trainable


def sequence(ids: list[int], learned: int, key: str = "") -> TokenSequence:
    return TokenSequence(ids, [False] * (len(ids) - learned) + [True] * learned, key)


def fit(network: PreTrainedModel, rows: Sequence[TokenSequence], *, steps: int, rate: float = 5e-3) -> float:
    """Full-batch AdamW; returns the last loss per learned token."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.0)
    objective, micro = LanguageObjective(network), builder("sft")(rows)
    loss = 0.0
    for _ in range(steps):
        optimizer.zero_grad()
        out = objective(micro).loss_sum / micro.weight
        out.backward()
        optimizer.step()
        loss = out.item()
    return loss


def step_of(network: PreTrainedModel, batches: Sequence[LanguageBatch]) -> tuple[float, dict[str, torch.Tensor]]:
    """One step of the engine without the optimizer: the loss and the gradients."""

    class Nothing:
        total_steps = 1

        def next_step(self) -> None: ...
        def state_dict(self) -> dict[str, object]:
            return {}

        def load_state_dict(self, state: object) -> None: ...

    network.zero_grad()
    task = TrainingTask(modules={"model": network}, objective=LanguageObjective(network), source=Nothing())
    report = GlobalStep(task, Trainable(task.modules), World(), "fp32").backpropagate(1, batches)
    assert report.loss is not None
    return report.loss, {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}


ROWS = [sequence([5, 6, 7, 8], 2), sequence([9, 10, 11, 12, 13, 14, 15, 16, 17], 8), sequence([3, 4, 5], 1)]
PARTITIONS = ([[0, 1, 2]], [[0], [1], [2]], [[0, 1], [2]], [[2, 0], [1]], [[1, 2], [0]])


@pytest.mark.parametrize("reduction", ["token", "sequence"])
def test_t_ga_8_a_reduction_gives_its_number_under_every_micro_batching(
    reduction: Literal["token", "sequence"],
) -> None:
    network = network_of("llama")
    with torch.no_grad():
        one = [float(LanguageObjective(network)(builder("sft")([row])).loss_sum) for row in ROWS]
    counts = [sum(row.loss_mask[1:]) for row in ROWS]
    by_token = sum(one) / sum(counts)
    by_sequence = sum(total / n for total, n in zip(one, counts, strict=True)) / len(ROWS)
    assert abs(by_token - by_sequence) > 0.05, "the two must differ or the test says nothing"
    expected = by_token if reduction == "token" else by_sequence
    gradients = []
    for partition in PARTITIONS:
        batches = [builder("sft", reduction)([ROWS[i] for i in part]) for part in partition]
        loss, gradient = step_of(network, batches)
        assert loss == pytest.approx(expected, rel=1e-5)
        gradients.append(gradient)
    for first, other in itertools.pairwise(gradients):
        for name in first:
            torch.testing.assert_close(first[name], other[name], atol=1e-6, rtol=1e-4)


def test_t_ga_8_the_worked_numbers() -> None:
    """Token losses (1, 1) and (3 x 8): 2.6 by token, 2.0 by sequence. The weights are what the objective uses."""
    rows = [sequence([5] * 3, 2), sequence([6] * 9, 8)]
    losses = torch.tensor([1.0, 1.0] + [3.0] * 8)
    token, by_sequence = builder("sft")(rows), builder("sft", "sequence")(rows)
    assert (losses.sum() / token.weight).item() == pytest.approx(2.6)
    counts = by_sequence.batch.target_counts()
    share = counts.reciprocal().index_select(0, by_sequence.batch.owner)
    assert ((losses * share).sum() / by_sequence.weight).item() == 2.0


def test_a_sequence_without_targets_weighs_nothing() -> None:
    """T-TOK-7: a batch of nothing but masked rows has loss 0 and weight 0, and no NaN."""
    network = network_of("llama")
    for reduction in ("token", "sequence"):
        micro = builder("sft", reduction)([sequence([5, 6, 7], 0)])
        out = LanguageObjective(network)(micro)
        assert micro.weight == 0 and out.loss_sum.item() == 0.0
        both = builder("sft", reduction)([sequence([5, 6, 7], 0), ROWS[0]])
        alone = builder("sft", reduction)([ROWS[0]])
        assert both.weight == alone.weight
        with torch.no_grad():
            difference = LanguageObjective(network)(both).loss_sum - LanguageObjective(network)(alone).loss_sum
        assert abs(difference.item()) < 1e-5


def test_mean_nll_is_per_learned_token_and_leaves_the_mode_alone() -> None:
    network = network_of("gpt2", resid_pdrop=0.5)
    network.train()
    batches = [pack(ROWS[:2]), pack(ROWS[2:])]
    first, second = mean_nll(network, batches), mean_nll(network, [pack(ROWS)])
    assert network.training
    assert first == pytest.approx(second, rel=1e-5), "dropout was on, or means were averaged"


def examples(n: int, *, shuffled: bool) -> list[TokenSequence]:
    """Two tokens in; out, one that follows from them (their order decides), or one drawn at random."""
    generator = torch.Generator().manual_seed(1)
    rows = []
    for _ in range(n):
        a, b = torch.randint(3, 15, (2,), generator=generator).tolist()
        answer = int(torch.randint(50, 52, (1,), generator=generator)) if shuffled else 50 + (a > 8)
        rows.append(sequence([a, b, answer, 2], 2))
    return rows


def test_t_ga_13_eight_examples_are_learned_by_heart() -> None:
    assert fit(network_of("llama"), examples(8, shuffled=False), steps=60) < 0.01


@pytest.mark.slow
def test_t_ga_13_shuffled_labels_do_not_generalise() -> None:
    """The same network and budget: a rule carries over to fresh rows, noise does not, though both are memorised."""

    def heldout_accuracy(*, shuffled: bool) -> float:
        rows = examples(200, shuffled=shuffled)
        network = network_of("llama")
        assert fit(network, rows[:100], steps=80) < 0.7
        batch = pack([row._replace(loss_mask=[False, False, True, False]) for row in rows[100:]])
        prompts = [list(row.ids[:2]) for row in rows[100:]]
        answers = generate(network, prompts, stop_ids=[2], sampling=Sampling(max_tokens=1, temperature=0))
        right = [g[0].ids[0] == t for g, t in zip(answers, batch.targets.tolist(), strict=True)]
        return sum(right) / len(right)

    assert heldout_accuracy(shuffled=False) > 0.95
    assert heldout_accuracy(shuffled=True) < 0.65


@pytest.mark.parametrize("with_end", [True, False])
def test_t_tok_11_the_end_is_learned_where_it_is_a_target(with_end: bool) -> None:
    model = small_chat_model("llama")
    template = model.chat_template()
    things = ("lamp", "chair", "vase", "rug", "bed", "mug", "desk", "bowl")
    rows, asked = [], []
    for thing in things:
        user = Message("user", f"the {thing}?")
        rendered = template.render((user, Message("assistant", f"a {thing}.")))
        mask = [learn and (with_end or i not in template.stop_ids) for i, learn in zip(*rendered, strict=True)]
        rows.append(TokenSequence(rendered.ids, mask, thing))
        asked.append(template.render_prompt((user,)))
    assert fit(model.network, rows, steps=60) < 0.05
    sampling = Sampling(max_tokens=24, temperature=0)
    answers = [g[0] for g in generate(model.network, asked, stop_ids=template.stop_ids, sampling=sampling)]
    finished = sum(a.finished for a in answers) / len(answers)
    if with_end:
        assert finished >= 0.95
        texts = [model.tokenizer.decode(a.ids[:-1]) for a in answers]
        assert texts == [f"a {thing}." for thing in things]
    else:
        assert finished <= 0.05


def test_surprisal_is_added_for_each_learned_token_and_its_head_is_trained_along() -> None:
    network = network_of("llama")
    rows = [sequence([5, 6, 7, 8], 3), sequence([9, 10, 11], 1)]
    plain = LanguageObjective(network)
    both = LanguageObjective(network, surprisal_coef=0.5)
    assert set(plain.modules) == {"model"} and set(both.modules) == {"model", "surprisal"}
    micro = builder("sft")(rows)
    out, alone = both(micro), plain(micro)
    batch = pack(rows)
    hidden = hidden_states(network, batch)
    wanted = -target_logprobs(network, batch).logprobs.detach()
    by_hand = torch.nn.functional.smooth_l1_loss(
        both.modules["surprisal"](hidden[batch.source + 1]), wanted.clamp(max=5)
    )
    torch.testing.assert_close(out.loss_sum, alone.loss_sum + 0.5 * 4 * by_hand)
    assert out.metrics["sft/loss"] == alone.metrics["sft/loss"]
    assert out.metrics["sft/surprisal"].total == pytest.approx(4 * by_hand.item())


def test_surprisal_of_unseen_text_is_learned() -> None:
    """Sequences repeat their first half, but for one token: the states come to tell where."""
    torch.manual_seed(0)
    network = network_of("llama")

    def row() -> TokenSequence:
        half = torch.randint(5, 40, (6,)).tolist()
        return sequence([*half, *half[:3], int(torch.randint(5, 40, (1,))), *half[4:]], 11)

    objective = LanguageObjective(network, surprisal_coef=1.0)
    optimizer = torch.optim.AdamW([p for m in objective.modules.values() for p in m.parameters()], lr=3e-3)
    first = last = 0.0
    for _ in range(60):
        micro = builder("sft")([row() for _ in range(16)])
        out = objective(micro)
        optimizer.zero_grad()
        (out.loss_sum / micro.weight).backward()
        optimizer.step()
        last = out.metrics["sft/surprisal"].total / micro.weight
        first = first or last
    assert last < 0.3 * first
