"""T-TOK-7: what does not fit is dropped or cut, and always counted."""

from __future__ import annotations

from array import array

import pytest

from tests.small import chat_tokenizer
from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Completion, Demonstration, Document, Message, Prompt, Ranking
from tunesmith.text.chat_template import ChatTemplate
from tunesmith.text.render import (
    render_demonstrations,
    render_documents,
    render_prompts,
    render_trees,
)


@pytest.fixture(scope="module")
def template() -> ChatTemplate:
    return ChatTemplate(chat_tokenizer())


def demonstration(question: str, answer: str) -> Demonstration:
    return Demonstration(messages=(Message("user", question), Message("assistant", answer)))


def test_t_tok_7_truncation_takes_the_stop_token_away_and_relabels_nothing(template: ChatTemplate) -> None:
    record = demonstration("Where is my order?", "It is on its way and will arrive on Monday.")
    whole = template.render(record.messages)
    limit = len(whole.ids) - 4
    rows, report = render_demonstrations([record], template, max_length=limit, overlong="truncate")
    ((_, rendered),) = rows
    assert list(rendered.ids) == whole.ids[:limit] and list(rendered.loss_mask) == whole.loss_mask[:limit]
    assert template.stop_ids[0] not in [t for t, m in zip(*rendered, strict=True) if m]
    assert report.truncated == 1 and "cut at max_length" in " ".join(report.sentences())


def test_a_row_takes_five_bytes_a_token_and_says_the_same(template: ChatTemplate) -> None:
    """A data set's rows stay in memory while it is trained on."""
    record = demonstration("Where is my order?", "It is on its way.")
    rows, _ = render_demonstrations([record], template, max_length=99)
    ((_, rendered),) = rows
    whole = template.render(record.messages)
    assert list(rendered.ids) == whole.ids and list(rendered.loss_mask) == whole.loss_mask
    sizes = [memoryview(part).nbytes for part in rendered]  # type: ignore[arg-type]
    assert sizes == [4 * len(whole.ids), len(whole.ids)]


def test_t_tok_7_dropping_names_the_row(template: ChatTemplate) -> None:
    short, long = demonstration("Hi", "Yes"), demonstration("Hi", "Yes " * 50)
    rows, report = render_demonstrations([short, long], template, max_length=40)
    assert len(rows) == 1 and report.kept == 1
    assert [reason for _, reason in report.left_out] == ["longer than max_length 40"]


def test_t_tok_7_a_row_cut_before_its_answer_is_counted_and_never_all_masked(template: ChatTemplate) -> None:
    record = demonstration("Where is my order? " * 5, "Yes")
    rows, report = render_demonstrations([record], template, max_length=8, overlong="truncate")
    assert rows == []
    assert report.left_out[0][1] == "no token to learn within max_length"
    with pytest.raises(DataError, match="no usable demonstrations"):
        report.require_some("demonstrations")


def test_overlong_stop_raises(template: ChatTemplate) -> None:
    with pytest.raises(DataError, match="longer than max_length 4"):
        render_demonstrations([demonstration("Hello", "Hello")], template, max_length=4, overlong="stop")


def test_everything_can_be_learned(template: ChatTemplate) -> None:
    rows, _ = render_demonstrations([demonstration("Hi", "Yes")], template, max_length=99, learn="everything")
    assert all(rows[0][1].loss_mask)


def test_prompts_that_leave_no_room_are_reported(template: ChatTemplate) -> None:
    short, long = Prompt(messages=(Message("user", "Hi"),)), Prompt(messages=(Message("user", "Hi " * 60),))
    rows, report = render_prompts([short, long], template, max_prompt_length=30)
    assert [r.record for r in rows] == [short]
    assert report.left_out[0][1] == "prompt longer than 30 tokens"


def test_trees_hold_prompt_and_completions_apart(template: ChatTemplate) -> None:
    ask = (Message("user", "Hi"),)
    ranking = Ranking(
        messages=ask, completions=(Completion(id="a", text="Yes"), Completion(id="b", text="No")), rankings=()
    )
    comparison = Comparison(messages=ask, chosen="Yes", rejected="No " * 90)
    rows, report = render_trees([ranking, comparison], template, max_length=60)
    assert len(rows) == 1 and report.left_out[0][1] == "longer than max_length 60"
    assert list(rows[0].prompt) == template.render_prompt(ask)
    whole = template.render((*ask, Message("assistant", "No")))
    assert [*rows[0].prompt, *rows[0].completions[1]] == whole.ids
    assert all(isinstance(ids, array) and ids.itemsize == 4 for ids in (rows[0].prompt, *rows[0].completions))


def test_documents_end_with_the_end_of_text_token(template: ChatTemplate) -> None:
    tokenizer = template.tokenizer
    rows = render_documents([Document(text="a<|end|>b")], tokenizer, end_of_text=1)
    assert rows == [[*tokenizer.encode("a<|end|>b"), 1]]
