from __future__ import annotations

import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.curves import read_curves


def test_named_metrics_without_nulls(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "ppo/kl": 0.5}\n{"step": 2, "ppo/kl": null, "x": 3}\n{"step": 3, "ppo/kl": 0.75}\n')
    assert read_curves(path, ["ppo/kl", "none"]) == {"ppo/kl": [(1.0, 0.5), (3.0, 0.75)], "none": []}


@pytest.mark.parametrize("text", ["nonsense\n", "[1]\n", '{"x": 1}\n'])
def test_a_bad_line_is_named(tmp_path, text):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n' + text)
    with pytest.raises(DataError, match=r"metrics.jsonl:2"):
        read_curves(path, [])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.jsonl"):
        read_curves(tmp_path / "none.jsonl", [])
