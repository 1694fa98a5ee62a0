from __future__ import annotations

from tests.checks.dividing import asked
from tunesmith.checks.texts import answered, answers, digests, folded, subject, whole
from tunesmith.checks.texts import asked as question_of
from tunesmith.core.records import Comparison, Document, Message

TURNS = (Message("system", "S"), Message("user", "U1"), Message("assistant", "A1"), Message("user", "U2"))


def test_the_texts_of_each_kind() -> None:
    comparison = Comparison(messages=TURNS, chosen="C", rejected="R")
    assert whole(comparison) == "S\n\nU1\n\nA1\n\nU2\n\nC\n\nR"
    assert question_of(comparison) == "S\n\nU1\n\nA1\n\nU2"
    assert subject(comparison) == "U1\n\nU2"
    assert (answered(comparison), answers(comparison)) == ("C", ("C", "R"))
    assert (question_of(asked("q", "a")), answered(asked("q", "a"))) == ("q", "a")
    assert (question_of(Document(text="d")), subject(Document(text="d"))) == ("", "d")


def test_folding() -> None:
    assert folded(" A\tB\n c ") == "a b c"
    assert folded("ﬁne\u00a0STRASSE") == "fine strasse"
    first, second, other, empty = digests(["A  b", "a b", "a, b", " "]).tolist()
    assert first == second != other
    assert empty == 0
