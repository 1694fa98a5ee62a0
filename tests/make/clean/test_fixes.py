"""Every fix is idempotent, on its own and all together, on text made of the debris that they remove."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Record
from tunesmith.make.clean.clean import clean
from tunesmith.make.clean.fixes import DUPLICATES, NAMES, Means, fixes
from tunesmith.make.clean.settle import Unsettled
from tunesmith.make.clean.terms import check_glossary

from ..rows import demo, rows

GLOSSARY = {"error": ("bug", "issue"), "e-mail": ("email", "mail")}


def find_at_signs(text: str) -> list[tuple[int, int, str]]:
    """A small fake of a finder: words with an at sign, and runs of seven digits."""
    found, at = [], 0
    for word in text.split(" "):
        if "@" in word[1:-1]:
            found.append((at, at + len(word), "email"))
        elif word.isascii() and word.isdigit() and len(word) == 7:
            found.append((at, at + len(word), "phone"))
        at += len(word) + 1
    return found


MEANS = Means(glossary=GLOSSARY, find_pii=find_at_signs)
PIECES = [
    "cafÃ©",
    "â€™",
    "e\u0301",
    "\u200b",
    "\u202e",
    "\x07",
    "\ufeff",
    "<b>",
    "</b>",
    "<p>",
    "<br/>",
    "<li>",
    "&amp;",
    "&lt;",
    "&nbsp;",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "```",
    "`",
    "\n",
    "\r\n",
    "  ",
    "\t",
    "|",
    " ",
    "Sure! Here is a list:\n\n",
    "### Response:",
    "I hope this helps!",
    "As an AI language model, I",
    "bug",
    "Issue",
    "EMAIL",
    "a@b.org",
    "5551234",
    "[EMAIL_1]",
    "x",
    "Hello.",
    "<<1+1=2>>",
    "👩\u200d🚀",
    "می\u200cخواهم",
    "\U000e0041",
    "&",
    "<",
    ">",
    ";",
    "amp",
    "lt",
    "\u2028",
    "\x85",
    "\u00a0",
]
MESSY = st.lists(st.sampled_from(PIECES) | st.characters(exclude_categories=["Cs"]), max_size=14).map("".join)


@pytest.mark.parametrize("name", [name for name in NAMES if name != DUPLICATES])
@settings(max_examples=150, deadline=None)
@given(prompt=MESSY, answer=MESSY)
def test_a_second_application_changes_nothing(name: str, prompt: str, answer: str) -> None:
    [fix] = fixes([name], MEANS).values()
    try:
        once = fix(demo(prompt, answer))
    except Unsettled:
        return  # such a record is rejected, which test_clean sees to
    assert fix(once) == once


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.tuples(MESSY, MESSY), max_size=4))
def test_cleaning_what_is_clean_changes_nothing(texts: list[tuple[str, str]]) -> None:
    once = clean(rows(*(demo(p, a) for p, a in texts)), fix=list(NAMES), means=MEANS)
    again = clean(rows(*once.records), fix=list(NAMES), means=MEANS)
    assert again.records == once.records and not again.rejected and not again.changed


def fixed(name: str, text: str, role: str = "answer") -> str:
    [fix] = fixes([name], MEANS).values()
    done: Record = fix(demo(text) if role == "prompt" else demo("Say something.", text))
    assert not isinstance(done, type(None))
    return str(done.messages[0 if role == "prompt" else 1].content)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("unicode", "cafÃ© and â€œquotesâ€\x9d", "café and “quotes”"),
        ("unicode", "e\u0301t\u00e9", "été"),
        ("unicode", "“curly” ﬁt &amp; ½", "“curly” ﬁt &amp; ½"),
        ("invisible", "a\u200bb\u202ec\x07d\ufeff", "abcd"),
        ("invisible", "👩\u200d🚀 می\u200cخواهم a\u200db", "👩\u200d🚀 می\u200cخواهم ab"),
        ("invisible", "hi\U000e0069\U000e0067 🏴\U000e0067\U000e0062\U000e007f", "hi 🏴\U000e0067\U000e0062\U000e007f"),
        ("whitespace", "  a  b \r\n\r\n\r\n\r\nc\u00a0d  ", "  a b\n\nc d"),
        ("whitespace", "x\n```\na  =  1  \n```\n| a  | b |", "x\n```\na  =  1  \n```\n| a  | b |"),
        ("html", "<p>One &amp; two</p><p>a<br>b</p>", "\nOne & two\na\nb\n"),
        ("html", "<ul><li>x</li><li>y</li></ul>", "\n- x\n- y\n"),
        ("html", "<script>alert(1)</script>ok<!-- no -->", "ok"),
        ("html", "if a < b and c > d: <<48/2=24>>24 List<int>", "if a < b and c > d: <<48/2=24>>24 List<int>"),
        ("html", "Use `<b>` here", "Use `<b>` here"),
        ("html", "the <b>HTML</b> tag", "the <b>HTML</b> tag"),
        ("boilerplate", "Sure! Here is a poem for you:\n\nRoses.\n\nI hope this helps!", "Roses."),
        ("boilerplate", "As an AI language model, I cannot feel.", "I cannot feel."),
        ("boilerplate", "Here is the thing: it rains.", "Here is the thing: it rains."),
        ("boilerplate", "I hope this helps!", "I hope this helps!"),
        (
            "terms",
            'A bug, an Issue, BUG, debug, `bug`, https://x.org/bug, "bug"',
            'A error, an Error, ERROR, debug, `bug`, https://x.org/bug, "bug"',
        ),
    ],
)
def test_what_each_fix_does(name: str, before: str, after: str) -> None:
    assert fixed(name, before) == after


def test_markers_go_from_prompts() -> None:
    assert fixed("boilerplate", "### Instruction:\nName a colour.\n\n### Response:", "prompt") == "Name a colour."


def test_equal_values_get_equal_placeholders_in_all_texts() -> None:
    [fix] = fixes(["pii"], MEANS).values()
    masked = fix(demo("Write to ann@x.org or bob@x.org or call 5551234", "Wrote to bob@x.org and ANN@x.org"))
    assert [m.content for m in masked.messages] == [  # type: ignore[union-attr]
        "Write to [EMAIL_1] or [EMAIL_2] or call [PHONE_1]",
        "Wrote to [EMAIL_2] and [EMAIL_1]",
    ]
    assert fix(demo("[EMAIL_3] and cy@x.org")).messages[0].content == "[EMAIL_3] and [EMAIL_4]"  # type: ignore[union-attr]


def test_an_unknown_fix_and_missing_means_are_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean unicode"):
        fixes(["unicod"], Means())
    for name in ("terms", "pii"):
        with pytest.raises(ConfigError):
            fixes([name], Means())


@pytest.mark.parametrize("glossary", [{"a": ("b",), "b": ("a",)}, {"big bug": ("bug",)}, {"a": ("x",), "b": ("X",)}])
def test_a_glossary_that_never_rests_is_refused(glossary: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ConfigError):
        check_glossary(glossary, "g.yaml")
