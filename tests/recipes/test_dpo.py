"""DPO as a whole run: T-PO-1, T-PO-4, T-PO-12."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.small_runs import Workshop, rankings, write
from tunesmith.core.records import Comparison, Message
from tunesmith.core.run_context import RunContext
from tunesmith.model.load import load_model
from tunesmith.recipes.dpo import pair_trees


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("dpo"))


@pytest.mark.parametrize("lora", [None, {"rank": 4}])
def test_t_po_1_the_first_step_starts_at_ln_2_and_the_loss_falls(workshop: Workshop, lora: object) -> None:
    """T-PO-4: with adapters too, the reference is the model as given."""
    name = "plain" if lora is None else "lora"
    workshop.run("dpo", name, lora=lora)
    rows = [row for row in workshop.metrics(name) if "dpo/loss" in row]
    assert rows[0]["dpo/loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert rows[0]["dpo/margin"] == pytest.approx(0, abs=1e-4)
    assert rows[-1]["dpo/loss"] < 0.6 and rows[-1]["dpo/accuracy"] >= 0.75


def test_t_po_12_a_pair_of_equal_texts_is_reported_and_left_out(workshop: Workshop) -> None:
    template = load_model(Path(workshop.chat_model())).chat_template()
    asked = (Message("user", "x"),)
    rows = [Comparison(messages=asked, chosen="same", rejected="same"), *rankings(2)]
    trees, report = pair_trees(rows, template, 96)
    assert report.kept == len(trees) == 2 + 3
    assert [reason for _, reason in report.left_out] == ["chosen equals rejected"]
    data = write(workshop.folder / "equal.jsonl", [replace(r, completions=same(r)) for r in rankings(2)] + rankings(3))
    lines: list[str] = []
    result = workshop.run("dpo", "equal", data=(data,), context=RunContext(command="test", log=lines.append))
    assert result.summary["left_out"] == 5
    assert "5 rows left out: chosen equals rejected" in lines


def same(ranking: object) -> object:
    return tuple(replace(c, text="the same") for c in ranking.completions)  # type: ignore[attr-defined]


def test_held_out_pairs_are_measured(workshop: Workshop) -> None:
    data = write(workshop.folder / "many.jsonl", rankings(30))
    result = workshop.run("dpo", "measured", data=(data,), validation_fraction=0.3, max_steps=6)
    measured = result.summary["measured"]
    assert {"validation/loss", "validation/accuracy", "validation/margin"} <= set(measured)
    assert measured["validation/loss"] < math.log(2)
