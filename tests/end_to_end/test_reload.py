"""Ordinary folders in, ordinary folders out: SFT -> reward -> PPO, then plain transformers opens what was saved."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from tests.small_runs import Workshop, question
from tunesmith.core.records import Message, messages_to_json
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model.load import load_model
from tunesmith.model.network import hidden_states, logits_at, score_bias, sequence_scores

CONVERSATIONS = (
    question(0),
    (
        Message("system", "Be kind."),
        *question(3),
        Message("assistant", "Gladly.\n"),
        Message("user", " And\tthen? <|end|>"),
    ),
    (Message("user", ""), Message("assistant", "Grüße, 世界! 🙂")),
)


@pytest.mark.parametrize("family", ["llama", "qwen2", "gpt2", "gemma"])
def test_reload_parity(family: str, tmp_path: Path) -> None:
    """T-RES-6 through the recipes, for every family: equal logits and scores to 1e-5, equal ids from the template."""
    workshop = Workshop(tmp_path, family)
    workshop.run("sft", "sft", max_steps=2)
    sft = str(tmp_path / "sft" / "model")
    workshop.run("reward", "reward", model=sft, max_steps=2)
    reward = str(tmp_path / "reward" / "model")
    sizes = {"total_episodes": 4, "rollout_batch_size": 4, "minibatch_size": 2, "max_tokens": 4}
    workshop.run("ppo", "ppo", model=sft, reward_model=reward, ppo=sizes)
    for name in ("sft", "ppo"):
        assert_same_logits(tmp_path / name / "model")
    assert_same_scores(tmp_path / "reward" / "model")
    for name in ("sft", "reward", "ppo"):
        assert_same_ids(tmp_path / name / "model")


def rows(folder: Path) -> list[TokenSequence]:
    template = load_model(folder, classifier="reward" in str(folder)).chat_template()
    return [TokenSequence(r.ids, r.loss_mask, "") for r in (template.render(c) for c in CONVERSATIONS)]


def assert_same_logits(folder: Path) -> None:
    ours, theirs = load_model(folder), AutoModelForCausalLM.from_pretrained(folder)
    sequences = rows(folder)
    batch = pack(sequences)
    logits = logits_at(ours.network, hidden_states(ours.network, batch)).detach()
    for row, last in zip(sequences, batch.last.tolist(), strict=True):
        ids = torch.tensor([row.ids])
        found = theirs(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].detach()
        torch.testing.assert_close(logits[last - len(row.ids) + 1 : last + 1], found, atol=1e-5, rtol=1e-5)


def assert_same_scores(folder: Path) -> None:
    """Scores differ by the calibration bias alone, which transformers does not know; also in a padded batch."""
    ours = load_model(folder, classifier=True)
    theirs = AutoModelForSequenceClassification.from_pretrained(folder)
    sequences = rows(folder)
    scores = sequence_scores(ours.network, pack(sequences)).detach() - score_bias(ours.network)
    assert score_bias(ours.network) != 0
    width, pad = max(len(r.ids) for r in sequences), ours.tokenizer.named_id("pad_token")
    assert pad is not None
    ids = torch.tensor([[*r.ids, *[pad] * (width - len(r.ids))] for r in sequences])
    found = theirs(input_ids=ids, attention_mask=(ids != pad).long()).logits[:, 0].detach()
    torch.testing.assert_close(scores, found, atol=1e-5, rtol=1e-5)


def assert_same_ids(folder: Path) -> None:
    """The template that any tool finds in the folder gives our ids, where no text spells a control token."""
    template = load_model(folder, classifier="reward" in str(folder)).chat_template()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for conversation in CONVERSATIONS:
        plain = tuple(Message(m.role, m.content.replace("<|end|>", "")) for m in conversation)
        messages = messages_to_json(plain)
        theirs = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
        assert list(theirs) == template.render(plain).ids
        if plain[-1].role != "assistant":
            asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
            assert list(asked) == template.render_prompt(plain)
    assert tokenizer.pad_token_id == template.tokenizer.named_id("pad_token")
