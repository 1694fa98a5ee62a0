"""Distillation as a whole run: the teacher's words and template, prompts alone, held-out divergence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.small_runs import DISTILLATION, ENGINE, Workshop
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("distill"))


def test_held_out_rows_come_nearer_to_the_teacher(workshop: Workshop) -> None:
    engine = {**ENGINE, "optimizer": {"learning_rate": 1e-2}}
    result = workshop.run("distill", "nearer", validation_fraction=0.3, max_steps=30, engine=engine)
    losses = [row["distill/loss"] for row in workshop.metrics("nearer") if "distill/loss" in row]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert result.summary["measured"]["validation/loss"] < losses[0]
    assert {row["distill/on_policy"] for row in workshop.metrics("nearer") if "distill/on_policy" in row} == {0.0, 1.0}


def test_prompts_alone_suffice_for_purely_on_policy(workshop: Workshop) -> None:
    result = workshop.run(
        "distill", "own", data=(workshop.prompts,), max_steps=None, distillation={**DISTILLATION, "lmbda": 1.0}
    )
    assert result.summary["prompts"] == 10 and result.summary["rows"] == 0
    assert result.summary["steps"] == 3  # ten prompts, four at a time
    assert all(torch.isfinite(t).all() for t in workshop.weights("own").values())


def test_the_teacher_is_named_in_the_provenance_and_not_changed(workshop: Workshop) -> None:
    weights = Path(workshop.teacher()) / "model.safetensors"
    before = weights.read_bytes()
    workshop.run("distill", "parents")
    assert str(Path(workshop.teacher())) in (workshop.folder / "parents" / "provenance.json").read_text()
    assert weights.read_bytes() == before


def test_a_teacher_of_other_words_is_refused_by_name(workshop: Workshop) -> None:
    other = Path(shutil.copytree(workshop.teacher(), workshop.folder / "other"))
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    words = tokenizer["model"]["vocab"]
    words["a"], words["b"] = words["b"], words["a"]
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    context = RunContext(command="test", dry_run=True)
    with pytest.raises(ConfigError, match="different vocabularies") as caught:
        workshop.run("distill", "refused", teacher=str(other), context=context)
    assert "2 of the model's are others there" in caught.value.why and "data distill" in caught.value.remedy
    with pytest.raises(ConfigError, match="no teacher"):
        workshop.run("distill", "refused", teacher="", context=context)
