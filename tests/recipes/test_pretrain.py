"""Pretraining: rows of text, and a network from nothing."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import load_file

from tests.small import chat_tokenizer
from tests.small_runs import Workshop, documents
from tunesmith.core.records import Document
from tunesmith.recipes.pretrain import document_rows


def test_a_long_document_is_cut_into_rows_and_nothing_is_lost() -> None:
    tokenizer = chat_tokenizer()
    end = tokenizer.token_id("<|endoftext|>")
    texts = [*documents(3), Document(text="one two three " * 20)]
    rows = document_rows(texts, tokenizer, 16)
    assert all(1 < len(r.ids) <= 16 and all(r.loss_mask) for r in rows)
    by_document: dict[str, list[int]] = {}
    for row in rows:
        by_document.setdefault(row.key, []).extend(row.ids)
    for text, ids in zip(texts, by_document.values(), strict=True):
        whole = [*tokenizer.encode(text.text), end]
        assert ids == whole[: len(ids)] and len(whole) - len(ids) in (0, 1), "at most a lone last token goes"


def test_a_model_from_nothing_learns_and_another_run_goes_on_from_it(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.run("pretrain", "first", num_train_epochs=8.0)
    losses = [row["train/loss"] for row in workshop.metrics("first") if "train/loss" in row]
    assert losses[-1] < 0.8 * losses[0]
    again = workshop.run("pretrain", "second", model=str(tmp_path / "first" / "model"), max_steps=1)
    first = next(row["train/loss"] for row in workshop.metrics("second") if "train/loss" in row)
    assert first < 0.8 * losses[0]
    assert again.summary["steps"] == 1
    provenance = json.loads((tmp_path / "second" / "provenance.json").read_text())
    assert provenance["parents"] == {"model": str(tmp_path / "first" / "model")}
    assert len(provenance["snapshots"]["data"]) == 64


def test_a_tokenizer_can_be_given(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.run("pretrain", "new", tokenizer=workshop.base, max_steps=1)
    theirs = json.loads((Path(workshop.base) / "tokenizer.json").read_text())
    assert json.loads((tmp_path / "new" / "model" / "tokenizer.json").read_text()) == theirs


def test_with_surprisal_the_head_is_measured_but_not_saved(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.run("pretrain", "plain", max_steps=2)
    workshop.run("pretrain", "knowing", max_steps=2, surprisal_coef=0.5)
    assert any("pretrain/surprisal" in row for row in workshop.metrics("knowing"))
    first, second = (set(load_file(tmp_path / name / "model" / "model.safetensors")) for name in ("plain", "knowing"))
    assert first == second
