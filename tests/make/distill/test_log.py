from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Message
from tunesmith.make.distill.log import Answer, AnswerLog, answer_key, read_log, spent
from tunesmith.make.teacher import Decoding

ANSWER = Answer("k1", "Hé\n", "stop", 5, "2020-01-01T00:00:00+00:00")


def test_what_is_added_is_read_back(tmp_path: Path) -> None:
    with AnswerLog(tmp_path / "new" / "log") as log:
        log.add(ANSWER)
        log.add(ANSWER._replace(key="k2", tokens=7))
    assert read_log(tmp_path / "new" / "log")["k1"] == ANSWER
    assert spent(read_log(tmp_path / "new" / "log")) == 12
    with AnswerLog(tmp_path / "other", reuse=[tmp_path / "new" / "log"]) as log:
        assert log.get("k1") == ANSWER and not log.own


def test_a_torn_last_line_goes_and_the_next_line_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with AnswerLog(path) as log:
        log.add(ANSWER)
    path.write_bytes(path.read_bytes() + b'{"key": "k9')
    with AnswerLog(path) as log:
        assert set(log.own) == {"k1"}
        log.add(ANSWER._replace(key="k2"))
    assert set(read_log(path)) == {"k1", "k2"}


@pytest.mark.parametrize("line", [b"{\n", b"[]\n", b'{"key": "k"}\n'])
def test_a_damaged_line_inside_is_named(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "log").write_bytes(line)
    with pytest.raises(DataError, match="log:1"):
        read_log(tmp_path / "log")
    with pytest.raises(ConfigError):
        read_log(tmp_path / "none")


def test_all_that_an_answer_depends_on_is_in_its_key() -> None:
    hello, bye = (Message("user", "Hello"),), (Message("user", "Bye"),)
    keys = {
        answer_key("t", Decoding(), hello, 0),
        answer_key("u", Decoding(), hello, 0),
        answer_key("t", Decoding(temperature=0), hello, 0),
        answer_key("t", Decoding(), bye, 0),
        answer_key("t", Decoding(), hello, 1),
    }
    assert len(keys) == 5 and answer_key("t", Decoding(), hello, 0) in keys
