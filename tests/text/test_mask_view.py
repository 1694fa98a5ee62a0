from __future__ import annotations

from tunesmith.core.records import Demonstration, Document, Message, Prompt
from tunesmith.desk.weights import shipped_base
from tunesmith.text.chat_template import open_template
from tunesmith.text.mask_view import masked_rows

TALK = (Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "Bye"), Message("assistant", "Bye now."))
DEMO = Demonstration(messages=TALK)


def test_the_answers_are_learned_and_nothing_else() -> None:
    template = open_template(shipped_base())
    [row] = masked_rows([DEMO, DEMO], template, n=1, max_length=512)
    assert [s.text.strip() for s in row.stretches if s.state == "learned"] == ["Hello.<|end|>", "Bye now.<|end|>"]
    assert "".join(s.text for s in row.stretches) == template.tokenizer.decode(template.render(TALK).ids)
    learned = sum(s.tokens for s in row.stretches if s.state == "learned")
    assert learned == sum(template.render(TALK).loss_mask) and f"{learned} learned" in row.head


def test_what_is_cut_and_what_has_no_mask() -> None:
    template = open_template(shipped_base())
    [cut] = masked_rows([DEMO], template, n=1, max_length=4)
    assert cut.stretches[-1].state == "cut" and "beyond max_length 4" in cut.head
    [document] = masked_rows([Document(text="One two three.")], template, n=1, max_length=99)
    assert [s.state for s in document.stretches] == ["read", "learned"], "the first token has nothing before it"
    [prompt] = masked_rows([Prompt(messages=TALK[:1])], template, n=1, max_length=99)
    assert not prompt.stretches and "no loss mask" in prompt.head
