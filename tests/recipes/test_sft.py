"""Supervised fine-tuning as a whole run: T-GA-11 with LoRA, T-TOK-7 counts, validation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.small_runs import ENGINE, Workshop, documents
from tunesmith.algorithms.sft import mean_nll
from tunesmith.core.run_context import RunContext
from tunesmith.data.batch import pack
from tunesmith.model.load import load_model
from tunesmith.recipes.pretrain import document_rows
from tunesmith.train.checkpoint_folder import load_checkpoint


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("sft"))


def test_the_saved_model_can_chat_and_knows_where_it_came_from(workshop: Workshop) -> None:
    result = workshop.run("sft", "plain")
    model = load_model(workshop.folder / "plain" / "model")
    assert model.template is not None
    assert model.card["stage"] == "sft" and model.card["rows"] == 10
    assert model.card["parents"] == {"model": workshop.base}
    assert result.artefacts["model"].endswith("plain/model") and result.summary["left_out"] == 0
    losses = [row["train/loss"] for row in workshop.metrics("plain") if "train/loss" in row]
    assert losses[-1] < losses[0]


def test_t_ga_11_lora_leaves_the_base_alone_and_saves_an_ordinary_model(workshop: Workshop) -> None:
    """Only adapters are in the checkpoint; the saved folder has no trace of them and opens in plain transformers."""
    before = (Path(workshop.base) / "model.safetensors").read_bytes()
    workshop.run("sft", "lora", lora={"rank": 4})
    assert (Path(workshop.base) / "model.safetensors").read_bytes() == before
    newest = max((workshop.folder / "lora" / "checkpoints").glob("step-*"))
    tree = load_checkpoint(newest).tree
    names = tree["modules"]["model"]["parameters"]
    assert names and all("lora_" in name for name in names)
    assert len(tree["frozen"]) == 64
    base, saved = load_file(Path(workshop.base) / "model.safetensors"), workshop.weights("lora")
    assert base.keys() == saved.keys()
    moved = {name for name in base if not torch.equal(base[name], saved[name])}
    assert moved and all("_proj" in name for name in moved), "embedding and norms are the base's own"
    for name in moved:
        assert torch.linalg.matrix_rank(saved[name] - base[name], atol=1e-5) <= 4
    AutoModelForCausalLM.from_pretrained(workshop.folder / "lora" / "model")


def test_t_tok_7_rows_that_do_not_fit_are_counted_or_cut_and_said(workshop: Workshop) -> None:
    lengths = sorted(len(r) for r in token_rows(workshop))
    limit = lengths[4]
    kept = sum(n <= limit for n in lengths)
    lines: list[str] = []
    context = RunContext(command="test", log=lines.append)
    result = workshop.run("sft", "dropped", max_length=limit, max_steps=1, context=context)
    assert (result.summary["rows"], result.summary["left_out"]) == (kept, 10 - kept)
    assert f"{10 - kept} rows left out: longer than max_length {limit}" in lines
    lines.clear()
    result = workshop.run("sft", "cut", max_length=limit, max_steps=1, overlong="truncate", context=context)
    assert (result.summary["rows"], result.summary["left_out"]) == (10, 0)
    assert any(line.startswith(f"{10 - kept} rows cut at max_length") for line in lines)


def token_rows(workshop: Workshop) -> list[list[int]]:
    from tests.small_runs import demonstrations

    template = load_model(Path(workshop.chat_model())).chat_template()
    return [template.render(d.messages).ids for d in demonstrations(10)]


def test_held_out_rows_are_validated_and_learning_everything_learns_more_tokens(workshop: Workshop) -> None:
    engine = {**ENGINE, "validate_every": 2}
    result = workshop.run("sft", "validated", validation_fraction=0.4, max_steps=4, engine=engine)
    assert 0 < result.summary["rows"] < 10
    rows = [row for row in workshop.metrics("validated") if "validation/loss" in row]
    assert [row["step"] for row in rows] == [2, 4]
    assert result.summary["validation"]["validation/loss"] == rows[-1]["validation/loss"] < rows[0]["validation/loss"]
    lines: list[str] = []
    for learn in ("completions", "everything"):
        context = RunContext(command="test", log=lines.append)
        workshop.run("sft", f"learn-{learn}", learn=learn, max_steps=1, context=context)
    learned = [int(line.split(": ")[1].split(", ")[1].split()[0]) for line in lines if "of them learned" in line]
    assert learned[1] > 1.5 * learned[0] > 0


def test_the_pretraining_mix_is_a_share_of_the_rows_and_keeps_the_model_at_its_text(workshop: Workshop) -> None:
    """InstructGPT appendix C.3: the model that PPO starts from saw 10 % pretraining data while it was fine-tuned."""
    lines: list[str] = []
    context = RunContext(command="test", log=lines.append)
    alone = workshop.run("sft", "alone", max_steps=20)
    mixed = workshop.run("sft", "mixed", max_steps=20, ptx_data=(workshop.documents,), ptx_share=0.5, context=context)
    assert (alone.summary["ptx_rows"], mixed.summary["rows"], mixed.summary["ptx_rows"]) == (0, 10, 10)
    assert not any("asks for" in line for line in lines)
    losses = {}
    for name in ("alone", "mixed"):
        model = load_model(workshop.folder / name / "model")
        rows = document_rows(documents(12), model.tokenizer, 64)
        losses[name] = mean_nll(model.network, [pack(rows)])
    assert losses["mixed"] < losses["alone"] - 0.5
    again = workshop.run("sft", "short", max_steps=1, ptx_data=(workshop.documents,), ptx_share=0.9, context=context)
    assert again.summary["ptx_rows"] == 12 and "only 12 rows of pretraining text where ptx_share asks for 90" in lines


def test_t_rl_20_what_is_saved_is_the_moving_average(workshop: Workshop) -> None:
    engine = {**ENGINE, "ema_decay": 0.8, "checkpoint": {"every": 1, "keep": 10}}
    workshop.run("sft", "average", max_steps=5, engine=engine)
    checkpoints = sorted((workshop.folder / "average" / "checkpoints").glob("step-*"))
    states = [load_checkpoint(path).tree["modules"]["model"]["parameters"] for path in checkpoints]
    assert len(states) == 5
    saved, base = workshop.weights("average"), load_file(Path(workshop.base) / "model.safetensors")
    for name in ("model.embed_tokens.weight", "model.layers.1.mlp.up_proj.weight"):
        average = base[name]
        for state in states:
            average = 0.8 * average + 0.2 * state[name]
        torch.testing.assert_close(saved[name], average, atol=1e-6, rtol=1e-5)
        assert not torch.allclose(saved[name], states[-1][name], atol=1e-4)
