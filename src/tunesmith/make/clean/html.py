"""Strip the debris of web pages: tags, comments, entities. Code stays, and so does any record that is about markup.

Only names of HTML elements count as tags, so that `a < b`, `List<int>` and GSM8K's `<<48/2=24>>` are left alone.
"""

from __future__ import annotations

import html
import re

from tunesmith.make.clean.code import outside_code
from tunesmith.make.clean.settle import settle

_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_COMMENT = re.compile(r"<!--.*?-->|<!doctype[^>]*>|<!\[CDATA\[|\]\]>", re.S | re.I)
_DROPPED = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.S | re.I)
_BLOCKS = "p|div|tr|table|tbody|thead|h[1-6]|ul|ol|dl|blockquote|section|article|header|footer|pre|body|html|head|form"
_INLINE = (
    "a|abbr|b|big|button|center|cite|dd|dt|em|font|i|iframe|img|input|label|link|mark|meta|nav|noscript|option|q|s"
    "|select|small|span|strike|strong|sub|sup|td|th|title|u|wbr"
)
_ATTRIBUTES = r"(?:\s+[A-Za-z_:@][\w:.@-]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))?)*"
_BREAK = re.compile(rf"[ \t]*<(?:br|hr){_ATTRIBUTES}\s*/?>[ \t]*\n?", re.I)
_ITEM = re.compile(rf"\s*<li{_ATTRIBUTES}\s*>[ \t]*", re.I)
_BLOCK = re.compile(rf"(?:\s*</?(?:{_BLOCKS}|li){_ATTRIBUTES}\s*/?>)+\s*", re.I)
_TAG = re.compile(rf"</?(?:{_INLINE}){_ATTRIBUTES}\s*/?>", re.I)
_SUBJECT = re.compile(
    r"\b(?:x?html5?|xml|xpath|css|svg|markup|web ?pages?|javascript|jsx|tags?|entit(?:y|ies)|angular|scrap(?:e|ing))\b",
    re.I,
)


def strip_html(text: str) -> str:
    """Return the text without HTML tags and comments, entities written out; blocks end lines, items get a dash."""
    return settle(_fix, text) if "<" in text or "&" in text else text


def about_markup(texts: list[str]) -> bool:
    """Return whether markup is what these texts are about, so that it is content and no debris."""
    return any(_SUBJECT.search(text) for text in texts)


def _fix(text: str) -> str:
    return outside_code(text, _prose)


def _prose(text: str) -> str:
    text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    text = _DROPPED.sub("", _COMMENT.sub("", text))
    text = _ITEM.sub("\n- ", _BREAK.sub("\n", text))
    return _TAG.sub("", _BLOCK.sub("\n", text))
