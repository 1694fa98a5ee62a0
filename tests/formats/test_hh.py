from __future__ import annotations

import pytest

from tunesmith.core.errors import DataError
from tunesmith.formats import hh


def test_turns_are_split_at_markers_and_only_one_blank_belongs_to_them() -> None:
    start = "\n\nHuman: one\n\ntwo\n\nAssistant: three\n\nHuman:  four \n\nAssistant:"
    (pair,) = hh.parse({"chosen": start + " x", "rejected": start + " y\n"})
    assert [m.content for m in pair.messages] == ["one\n\ntwo", "three", " four "]  # type: ignore[union-attr]
    assert [m.role for m in pair.messages] == ["user", "assistant", "user"]  # type: ignore[union-attr]
    assert (pair.chosen, pair.rejected) == ("x", "y\n")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        ("\n\nHuman: a\n\nAssistant: x", "\n\nHuman: b\n\nAssistant: y", "does not share"),
        ("\n\nHuman: a", "\n\nHuman: a", "must end with an assistant turn"),
        ("Hello\n\nHuman: a\n\nAssistant: x", "\n\nHuman: a\n\nAssistant: y", "must begin"),
    ],
)
def test_transcripts_that_are_no_pair(chosen: str, rejected: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        hh.parse({"chosen": chosen, "rejected": rejected})
