from __future__ import annotations

import pytest

from tunesmith.context.page import Block
from tunesmith.context.readers.html import read


def test_visible_text_under_its_headings() -> None:
    found = read(
        b"<html><head><title>My page</title><style>p{}</style></head><body><h1>Top</h1><p>One &amp; <b>two</b></p>"
        b"<h2>Low</h2><ul><li>a<li>b</ul><table><tr><td>x</td><td>y</td></tr></table><script>evil()</script></body>"
    )
    assert found.title == "My page"
    assert found.blocks == [
        Block("Top", "One & two"),
        Block("Top > Low", "a"),
        Block("Top > Low", "b"),
        Block("Top > Low", "x | y"),
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>SECRET</p>",
        "<div style='display: none'>SECRET<p>SECRET</p></div>",
        "<span style='font-size:0px'>SECRET</span>",
        "<p aria-hidden=true>SECRET</p>",
        "<!-- SECRET -->",
        "<p style='opacity:0'>SECRET</p>",
    ],
)
def test_what_nobody_sees_is_left_out_and_counted(hidden: str) -> None:
    found = read(f"<p>before</p>{hidden}<p>after</p>".encode())
    assert [block.text for block in found.blocks] == ["before", "after"]
    assert "1 hidden" in found.notes[0]


def test_small_but_visible_text_stays() -> None:
    found = read(b"<p style='font-size:0.8em;opacity:0.9'>seen</p>")
    assert found.blocks == [Block("", "seen")] and not found.notes


def test_broken_markup_loses_nothing() -> None:
    assert [b.text for b in read(b"<div><p>a</div></span>b<p>c").blocks] == ["a", "b", "c"]
