from __future__ import annotations

import pytest

from tunesmith.checks.tokens import TokensCheck, TokensConfig
from tunesmith.core.records import Comparison, Document, Message, Prompt
from tunesmith.desk.weights import shipped_base
from tunesmith.text.chat_template import ChatTemplate, open_template

from .rows import found, rows_of, talk


@pytest.fixture(scope="module")
def template() -> ChatTemplate:
    return open_template(shipped_base())


def check(template: ChatTemplate, max_length: int, **config: int) -> TokensCheck:
    return TokensCheck(TokensConfig(**config), template, max_length)


def test_what_is_cut_is_what_training_would_cut(template: ChatTemplate) -> None:
    record = talk("Where is it?", "On the table, where it always was.")
    rendered = template.render(record.messages)
    length, learned = len(rendered.ids), sum(rendered.loss_mask)
    prompt = length - learned
    assert found(check(template, length), record) == []
    [cut] = found(check(template, length - 2), record)
    assert (cut.check, cut.severity) == ("tokens.overlong", "warning")
    assert cut.reason == f"{length} tokens, max_length is {length - 2}: 2 of {learned} learned tokens are beyond it"
    [nothing] = found(check(template, prompt), record)
    assert (nothing.check, nothing.severity) == ("tokens.nothing_to_learn", "error")
    assert [f.check for f in found(check(template, prompt + 1), record)] == ["tokens.overlong"]


def test_other_records(template: ChatTemplate) -> None:
    user = Message("user", "Which of the two is it?")
    comparison = Comparison(messages=(user,), chosen="The first, I think.", rejected="No idea at all about that.")
    limited = check(template, 12)
    assert [f.check for f in found(limited, comparison)] == ["tokens.overlong"]
    assert [f.check for f in found(check(template, 4), comparison)] == ["tokens.nothing_to_learn"]
    assert [f.check for f in found(check(template, 4), Prompt(messages=(user,)))] == ["tokens.overlong"]
    assert found(limited, Document(text="long " * 100)) == []


def test_numbers_and_the_mask_of_the_first_rows(template: ChatTemplate) -> None:
    record = talk("Where is it?", "On the table.")
    rendered = template.render(record.messages)
    checking = check(template, 512, samples=1)
    result = checking.conclude([checking.chunk(rows_of(record, record)), checking.chunk(rows_of(record))])
    assert result.numbers["tokens"] == 3 * len(rendered.ids)
    assert result.numbers["learned_tokens"] == 3 * sum(rendered.loss_mask)
    [mask] = result.plots["loss_masks"]
    assert [learned for _, learned in mask["runs"]] == [False, True]
    assert mask["runs"][1][0] == "On the table.<|end|>"
    assert sum(count for _, count in result.plots["token_lengths"]["bins"]) == 3


def test_a_share_is_measured_but_every_long_row_is_found(template: ChatTemplate) -> None:
    checking = check(template, 64, every=20)
    records = [talk("Where is it?", "Here." if n % 50 else "far " * 100) for n in range(400)]
    result = checking.conclude([checking.chunk(rows_of(*records))])
    assert [f.line for f in result.findings] == [n + 1 for n in range(400) if n % 50 == 0]
    assert 5 <= result.numbers["measured_rows"] <= 40
