from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.small import small_chat_model
from tests.small_runs import demonstrations
from tunesmith.core.records import Message
from tunesmith.make.teacher import Decoding, TeacherError
from tunesmith.model.load import save_model
from tunesmith.recipes.local_teacher import LocalTeacher

GREEDY = Decoding(temperature=0, max_tokens=5, seed=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(small_chat_model(), tmp_path / "chat", card={})
    return tmp_path / "chat"


def test_questions_that_wait_together_are_answered_as_alone(folder: Path) -> None:
    teacher = LocalTeacher(str(folder))
    asked = [record.prompt for record in demonstrations(6)]
    alone = [teacher.reply(messages, GREEDY) for messages in asked]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda messages: teacher.reply(messages, GREEDY), asked))
    assert together == alone and all(reply.tokens > 0 for reply in alone)
    assert teacher.name == str(folder)


def test_a_prompt_that_does_not_fit_is_a_failure_of_its_own(folder: Path) -> None:
    with pytest.raises(TeacherError, match="positions"):
        LocalTeacher(str(folder)).reply((Message("user", "word " * 5000),), GREEDY)
