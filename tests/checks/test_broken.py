from __future__ import annotations

import pytest

from tunesmith.checks.broken import BrokenCheck, BrokenConfig

from .rows import found, kinds, talk

CHECK = BrokenCheck(BrokenConfig())

BROKEN = {
    "It wasnâ€™t ready.": "broken.mojibake",
    "CafÃ© MÃ¼nchen": "broken.mojibake",
    "a bell \x07 rings": "broken.control",
    "delete\x7f": "broken.control",
    "one\u200btwo": "broken.invisible",
    "\ufeffA mark at the beginning": "broken.invisible",
    "co\u00adoperate": "broken.invisible",
    "access \u202eeslaf\u202c granted": "broken.bidi",
    "an r-t-l mark \u200f in English": "broken.bidi",
    "lost \ufffd letters": "broken.replacement",
    "Read <b>this</b>": "broken.html",
    "fish&nbsp;and chips": "broken.html",
    'see <a href="/x">here</a>': "broken.html",
}
FINE = (
    "Café München – “quoted”, 20 °C, naïve",
    "tabs\tand\nlines\r\n",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "flag \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\u202bשלום עולם\u202c",
    "می\u200cخواهم",
    "if a < b and c > d, x<y>z",
    "<<48/2=24>> and R&D, AT&T",
    "Use the <br> tag of HTML to break a line.",
    "```\n<div>code</div>\n```",
    "São Paulo não é irmã da ação.",
)


@pytest.mark.parametrize(("text", "kind"), BROKEN.items())
def test_damage_is_found(text: str, kind: str) -> None:
    assert kinds(found(CHECK, talk("Say it.", text), talk("Say it.", "Fine."))) == [kind]


@pytest.mark.parametrize("text", FINE)
def test_what_only_looks_damaged_is_fine(text: str) -> None:
    assert found(CHECK, talk("Say it.", text)) == []


def test_the_field_and_the_text_are_named() -> None:
    [finding] = found(CHECK, talk("It wasnâ€™t me.", "Fine."))
    assert finding.field == "messages[0].content" and "wasnâ€™t" in finding.reason and finding.severity == "error"
