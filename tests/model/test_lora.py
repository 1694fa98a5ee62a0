"""Low-rank adapters: T-GA-11."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedModel

from tests.small import FAMILIES, classifier_of, network_of, small_chat_model
from tunesmith.data.batch import TokenBatch, TokenSequence, pack
from tunesmith.model.load import LanguageModel, save_model
from tunesmith.model.lora import LoraSettings, add_lora, merge_lora, save_lora, without_lora
from tunesmith.model.network import hidden_states, logits_at, sequence_scores, target_nll_sum

BATCH = pack([TokenSequence([5, 6, 7, 8, 9], [True] * 5, "a"), TokenSequence([10, 11, 12], [True] * 3, "b")])


def logits(network: PreTrainedModel, batch: TokenBatch = BATCH) -> torch.Tensor:
    return logits_at(network, hidden_states(network, batch)).detach()


def trained(network: PreTrainedModel, *, steps: int = 5) -> PreTrainedModel:
    """A few steps of AdamW on what requires a gradient."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-2, weight_decay=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        (target_nll_sum(network, BATCH) / 6).backward()
        optimizer.step()
    return network


def base_bytes(network: PreTrainedModel) -> dict[str, bytes]:
    return {
        name.replace(".base_layer", ""): p.detach().numpy().tobytes()
        for name, p in network.named_parameters()
        if "lora_" not in name
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_t_ga_11_the_base_stays_byte_for_byte_and_has_no_gradient(family: str) -> None:
    network = network_of(family)
    before, plain = base_bytes(network), logits(network)
    add_lora(network, LoraSettings(rank=4), seed=0)
    torch.testing.assert_close(logits(network), plain, atol=1e-6, rtol=0), "fresh adapters change nothing"
    trained(network)
    assert base_bytes(network) == before
    assert {n for n, p in network.named_parameters() if p.grad is not None} == {
        n for n, p in network.named_parameters() if "lora_" in n
    }
    assert (logits(network) - plain).abs().max() > 0.1
    with without_lora(network):
        assert torch.equal(logits(network), plain)


@pytest.mark.parametrize("family", FAMILIES)
def test_t_ga_11_merged_equals_unmerged_and_opens_in_plain_transformers(family: str, tmp_path: Path) -> None:
    model = small_chat_model(family)
    network = model.network
    names = set(network.state_dict())
    add_lora(network, LoraSettings(rank=4), seed=0)
    trained(network)
    unmerged = logits(network)
    merge_lora(network)
    torch.testing.assert_close(logits(network), unmerged, atol=1e-4, rtol=1e-4)
    assert set(network.state_dict()) == names, "nothing of the adapters is left"
    assert all(p.requires_grad for p in network.parameters())
    save_model(LanguageModel(network, model.tokenizer, model.template, {}), tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager")
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    theirs = again(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].detach()
    first = int(BATCH.last[0]) - 4
    torch.testing.assert_close(theirs, logits(network)[first : first + 5], atol=1e-4, rtol=1e-4)
    assert not list(tmp_path.glob("adapter*"))


def test_t_ga_11_a_score_head_is_trained_whole_beside_the_adapters(tmp_path: Path) -> None:
    network = classifier_of("llama", 64)
    add_lora(network, LoraSettings(rank=4), seed=0)
    learned = {n for n, p in network.named_parameters() if p.requires_grad}
    assert "score.weight" in learned and all("lora_" in n for n in learned - {"score.weight"})
    sequence_scores(network, BATCH).sum().backward()
    assert network.score.weight.grad is not None
    with torch.no_grad():
        for p in network.parameters():
            if p.requires_grad:
                p.add_(0.02)
    before = sequence_scores(network, BATCH).detach()
    merge_lora(network)
    torch.testing.assert_close(sequence_scores(network, BATCH).detach(), before, atol=1e-4, rtol=1e-4)
    network.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path, attn_implementation="eager")
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    theirs = again(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].detach()
    torch.testing.assert_close(theirs, before[:1], atol=1e-4, rtol=1e-4)


def test_the_seed_decides_the_adapters_and_named_layers_limit_them() -> None:
    def adapters(seed: int, **more: object) -> dict[str, torch.Tensor]:
        network = network_of("llama")
        add_lora(network, LoraSettings(rank=4, **more), seed=seed)  # type: ignore[arg-type]
        return {n: p.detach() for n, p in network.named_parameters() if "lora_" in n}

    one, two, three = adapters(0), adapters(0), adapters(1)
    assert all(torch.equal(one[n], two[n]) for n in one)
    assert any(not torch.equal(one[n], three[n]) for n in one)
    assert len(one) == 2 * 2 * 7, "two matrices for each of two layers' seven projections, none for the vocabulary's"
    assert all("q_proj" in n for n in adapters(0, target_modules=("q_proj",)))


def test_dropout_on_the_adapters_is_on_in_training_and_off_in_evaluation() -> None:
    network = network_of("llama")
    add_lora(network, LoraSettings(rank=4, dropout=0.5), seed=0)
    with torch.no_grad():
        for n, p in network.named_parameters():
            if "lora_B" in n:
                p.fill_(0.1)
    network.train()
    assert not torch.equal(logits(network), logits(network))
    network.eval()
    assert torch.equal(logits(network), logits(network))


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")  # peft asks transformers for it
@pytest.mark.parametrize("family", FAMILIES)
def test_the_adapter_alone_opens_with_peft_and_gives_the_same_logits(family: str, tmp_path: Path) -> None:
    from peft import PeftModel

    model = small_chat_model(family)
    save_model(model, tmp_path / "base")
    network = model.network
    add_lora(network, LoraSettings(rank=4, alpha=12.0), seed=0)
    trained(network)
    save_lora(network, tmp_path / "adapter", base=str(tmp_path / "base"))
    merge_lora(network)
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "base", attn_implementation="eager")
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    before = base(input_ids=ids).logits[0].detach()
    again = PeftModel.from_pretrained(base, tmp_path / "adapter")
    theirs = again(input_ids=ids).logits[0].detach()
    first = int(BATCH.last[0]) - 4
    torch.testing.assert_close(theirs, logits(network)[first : first + 5], atol=1e-4, rtol=1e-4)
    assert (theirs - before).abs().max() > 1e-2, "the adapter does something"


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")  # peft asks transformers for it
def test_an_adapter_with_a_score_head_opens_with_peft(tmp_path: Path) -> None:
    from peft import PeftModel

    network = classifier_of("llama", 64)
    network.save_pretrained(tmp_path / "base")
    add_lora(network, LoraSettings(rank=4), seed=0)
    with torch.no_grad():
        for p in network.parameters():
            if p.requires_grad:
                p.add_(0.02)
    save_lora(network, tmp_path / "adapter", base=str(tmp_path / "base"))
    before = sequence_scores(network, BATCH).detach()
    base = AutoModelForSequenceClassification.from_pretrained(tmp_path / "base", attn_implementation="eager")
    again = PeftModel.from_pretrained(base, tmp_path / "adapter")
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    torch.testing.assert_close(again(input_ids=ids).logits[0].detach(), before[:1], atol=1e-4, rtol=1e-4)
