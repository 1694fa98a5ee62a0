from __future__ import annotations

import pytest

from tests.small import small_chat_model
from tunesmith.core.errors import ConfigError
from tunesmith.model.load import LanguageModel
from tunesmith.model.same_tokens import require_same_tokens
from tunesmith.text.chat_template import ChatTemplate

HOW = {"role": "teacher", "where": "teacher", "remedy": "another"}


def test_only_a_teacher_with_the_same_tokens_and_template_passes() -> None:
    student = small_chat_model()
    require_same_tokens(student, small_chat_model("gpt2", seed=1), **HOW)
    other = small_chat_model()
    other.tokenizer.add_special_tokens(["<|new|>"])
    with pytest.raises(ConfigError, match="different vocabularies"):
        require_same_tokens(student, other, **HOW)
    tokenizer = small_chat_model().tokenizer
    template = student.chat_template()
    changed = ChatTemplate(tokenizer, "{# another #}" + template.source)
    with pytest.raises(ConfigError, match="different chat templates"):
        require_same_tokens(student, LanguageModel(student.network, tokenizer, changed, {}), **HOW)
