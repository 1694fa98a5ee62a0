"""The two layouts of ranked completions are the same work."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import ours, workload
from tunesmith.algorithms.reward_model import pack_ranked


def test_both_layouts_have_the_same_loss_and_train(tmp_path: Path, tiny: str) -> None:
    workload.write_models(tmp_path, tiny)
    once, repeated = (
        ours.layouts(tmp_path, size=tiny, k=3, rows=3, prompt=24, bf16=False, repeated=more) for more in (False, True)
    )
    assert once.check is not None and once.check > 0.1
    assert repeated.check == pytest.approx(once.check, abs=1e-5)
    assert (once.run(), repeated.run()) == (3, 3)


def test_only_the_prompts_copies_differ(tiny: str) -> None:
    rows = ours.ranked_trees(workload.prompts(4, tiny, low=24, median=24), tiny, k=3)
    asked = [len(row.tree.prompt) for row in rows]
    assert min(asked) >= 24
    once, repeated = pack_ranked(rows), ours.pack_repeated(rows)
    assert once.batch.tokens == sum(row.size for row in rows)
    assert repeated.batch.tokens == once.batch.tokens + 2 * sum(asked)
    for name in ("targets", "owner"):
        assert torch.equal(getattr(once.batch, name), getattr(repeated.batch, name))
    assert torch.equal(once.pairs.pairs, repeated.pairs.pairs) and once.weight == repeated.weight == 4
