"""Opening and saving Hugging Face folders: T-RES-6, T-RM-11, and every folder that is refused."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from tests.small import FAMILIES, save_base, small_chat_model
from tunesmith.core.errors import ConfigError, NumericalError, TunesmithError
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model.load import (
    CARD,
    LanguageModel,
    copy_model,
    load_model,
    new_classifier,
    probe,
    resolve_folder,
    save_model,
)
from tunesmith.model.network import hidden_states, logits_at, score_head, sequence_scores
from tunesmith.text.tokenizer import Tokenizer
from tunesmith.train.trainable import Trainable

BATCH = pack([TokenSequence([5, 6, 7, 8, 9], [True] * 5, "a"), TokenSequence([10, 11, 12], [True] * 3, "b")])


def logits(model: LanguageModel) -> torch.Tensor:
    return logits_at(model.network, hidden_states(model.network, BATCH)).detach()


@pytest.mark.parametrize("family", FAMILIES)
def test_t_res_6_a_policy_comes_back_as_it_went(family: str, tmp_path: Path) -> None:
    model = small_chat_model(family)
    save_model(model, tmp_path / "one", card={"stage": "test"})
    again = load_model(tmp_path / "one")
    assert torch.equal(logits(again), logits(model))
    assert again.card["stage"] == "test" and again.card["template_hash"] == model.chat_template().hash
    assert again.chat_template().source == model.chat_template().source
    save_model(again, tmp_path / "two")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "config.json", "model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


@pytest.mark.parametrize("family", FAMILIES)
def test_t_res_6_a_reward_model_comes_back_with_its_bias(family: str, tmp_path: Path) -> None:
    """T-RM-10 too: the saved bias is read again, and applied once."""
    model = new_classifier(small_chat_model(family), seed=0)
    plain = sequence_scores(model.network, BATCH).detach()
    model.network.config.tunesmith_score_bias = -0.75
    save_model(model, tmp_path)
    again = load_model(tmp_path, classifier=True)
    torch.testing.assert_close(sequence_scores(again.network, BATCH).detach(), plain - 0.75, atol=1e-6, rtol=1e-6)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path, attn_implementation="eager")
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    score = theirs(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].detach()
    torch.testing.assert_close(score, plain[:1], atol=1e-5, rtol=1e-5), "other tools do not know the bias"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_folder_has_equal_logits_in_plain_transformers(family: str, tmp_path: Path) -> None:
    model = small_chat_model(family)
    save_model(model, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    for number, last in enumerate(BATCH.last.tolist()):
        length = int(BATCH.positions[last]) + 1
        ids = BATCH.ids[last - length + 1 : last + 1][None]
        found = theirs(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].detach()
        torch.testing.assert_close(found, logits(model)[last - length + 1 : last + 1], atol=1e-5, rtol=1e-5)
        assert number < 2


def test_weights_can_be_saved_in_half_the_size(tmp_path: Path) -> None:
    model = small_chat_model()
    save_model(model, tmp_path, dtype=torch.bfloat16)
    assert {t.dtype for t in load_file(tmp_path / "model.safetensors").values()} == {torch.bfloat16}
    assert model.network.dtype == torch.float32
    again = load_model(tmp_path)
    assert again.network.dtype == torch.float32
    torch.testing.assert_close(logits(again), logits(model), atol=0.1, rtol=0.1)


def test_a_save_that_fails_leaves_no_folder_and_a_second_one_leaves_the_rest_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, folder = small_chat_model(), tmp_path / "model"

    def full(*arguments: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr(Tokenizer, "save", full)
        save_model(model, folder)
    assert not folder.exists()
    save_model(model, folder)
    (folder / "README.md").write_text("mine")
    save_model(model, folder, card={"stage": "again"})
    assert (folder / "README.md").read_text() == "mine"
    assert load_model(folder).card["stage"] == "again"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_copy_has_its_own_weights() -> None:
    model = small_chat_model()
    copied = copy_model(model)
    before = logits(model)
    with torch.no_grad():
        for p in copied.network.parameters():
            p.add_(1.0)
    assert torch.equal(logits(model), before)
    assert copied.network.config is not model.network.config


@pytest.mark.parametrize("family", FAMILIES)
def test_t_rm_11_a_fresh_head(family: str) -> None:
    """Standard deviation 1 / sqrt(d + 1) over many seeds, no bias, not tied, trained, fp32; trunk copied."""
    policy = small_chat_model(family)
    heads = torch.stack([score_head(new_classifier(policy, seed=s).network).weight.detach()[0] for s in range(20)])
    expected, n = (32 + 1) ** -0.5, heads.numel()
    assert abs(heads.std().item() - expected) < 3 * expected / (2 * n) ** 0.5
    assert abs(heads.mean().item()) < 3 * expected / n**0.5
    assert not torch.equal(heads[0], heads[1])
    model = new_classifier(policy, seed=0)
    head = score_head(model.network)
    assert torch.equal(head.weight.detach()[0], heads[0]), "the seed decides"
    assert head.bias is None and head.weight.dtype == torch.float32
    trunk = [p for n, p in model.network.named_parameters() if not n.startswith("score")]
    assert all(head.weight.data_ptr() != p.data_ptr() for p in trunk)
    assert any(p is head.weight for p in Trainable({"rm": model.network}).named.values())
    ours = dict(model.network.base_model.named_parameters())
    for name, parameter in policy.network.base_model.named_parameters():
        assert torch.equal(ours[name], parameter) and ours[name].data_ptr() != parameter.data_ptr()


# Folders that are refused.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_base(tmp_path / "model")


def refused(folder: Path, kind: type[TunesmithError], text: str, *, exit_code: int, classifier: bool = False) -> None:
    with pytest.raises(kind, match=text) as caught:
        load_model(folder, classifier=classifier)
    assert caught.value.exit_code == exit_code
    assert str(folder) in caught.value.where and (caught.value.remedy or caught.value.why)


def test_no_such_folder_and_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model folder"):
        resolve_folder(str(tmp_path / "missing"))
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", ConfigError, r"no config\.json", exit_code=2)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickled_weights_are_never_opened(folder: Path, name: str) -> None:
    """The file would create another one if it were unpickled."""
    (folder / "model.safetensors").unlink()
    witness = folder / "was-here"
    (folder / name).write_bytes(f"cbuiltins\nopen\n(S'{witness}'\nS'w'\ntR.".encode())
    refused(folder, ConfigError, "no safetensors weights", exit_code=2)
    with pytest.raises(ConfigError, match="pickle"):
        resolve_folder(str(folder))
    assert not witness.exists()


def test_code_that_comes_with_a_model_is_never_run(folder: Path) -> None:
    witness = folder / "was-here"
    (folder / "modeling_x.py").write_text(f"open({str(witness)!r}, 'w')\nclass X: ...\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "modeling_x.X"}
    (folder / "config.json").write_text(json.dumps(config))
    refused(folder, ConfigError, "run code of its own", exit_code=2)
    assert not witness.exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(folder: Path, value: float) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][3, 4] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, NumericalError, r"model\.layers\.1\.mlp\.up_proj\.weight", exit_code=1)


def test_a_tokenizer_that_is_larger_than_the_embedding(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    rows = len(load_file(folder / "model.safetensors")["model.embed_tokens.weight"])
    tokenizer["added_tokens"].append(
        {
            "id": rows,
            "content": "<|more|>",
            "special": True,
            "normalized": False,
            "lstrip": False,
            "rstrip": False,
            "single_word": False,
        }
    )
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    refused(folder, ConfigError, f"the tokenizer has {rows + 1} tokens, the embedding {rows} rows", exit_code=2)


def test_a_template_that_changed_since_the_training(tmp_path: Path) -> None:
    save_model(small_chat_model(), tmp_path)
    template = tmp_path / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|end|>", " <|end|>"))
    refused(tmp_path, ConfigError, "not the one this model was trained with", exit_code=2)
    card = orjson.loads((tmp_path / CARD).read_bytes())
    del card["template_hash"]
    (tmp_path / CARD).write_bytes(orjson.dumps(card))
    load_model(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "zeroed header", "empty"])
def test_weights_that_are_damaged(folder: Path, damage: str) -> None:
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes({"cut": data[:2000], "zeroed header": bytes(64) + data[64:], "empty": b""}[damage])
    refused(folder, ConfigError, "cannot open this model", exit_code=2)


def test_weights_of_another_shape_or_with_a_tensor_missing(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    name = "model.layers.0.mlp.up_proj.weight"
    save_file({**weights, name: torch.zeros(3, 3)}, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, ConfigError, "cannot open this model", exit_code=2)
    save_file({k: v for k, v in weights.items() if k != name}, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, ConfigError, f"the weights lack {name}", exit_code=2)


def test_a_config_that_is_no_json_or_an_unknown_architecture(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "made-up", "architectures": ["MadeUp"]}))
    refused(folder, ConfigError, "cannot open this model", exit_code=2)
    (folder / "config.json").write_text("{")
    refused(folder, ConfigError, "not JSON", exit_code=2)


def test_a_causal_model_is_no_reward_model(tmp_path: Path) -> None:
    save_model(small_chat_model(), tmp_path)
    refused(tmp_path, ConfigError, r"the weights lack score\.weight", exit_code=2, classifier=True)


def test_a_folder_without_a_tokenizers_file(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    refused(folder, ConfigError, r"no tokenizer\.json", exit_code=2)


def test_an_architecture_whose_packed_logits_differ_is_refused() -> None:
    """A twist that our attention does not know: here, the class's own forward pass is changed under it."""
    network = small_chat_model().network
    whole = network.forward

    def twisted(*arguments: object, **named: object) -> object:
        out = whole(*arguments, **named)
        out.logits = out.logits + 0.01 * out.logits.flip(-1)
        return out

    network.forward = twisted
    with pytest.raises(ConfigError, match="does not work with packed attention") as caught:
        probe(network, "here")
    assert caught.value.where == "here"
