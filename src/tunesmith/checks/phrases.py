"""Phrases that do not belong in an answer: refusals, placeholders, what a web page says around its text."""

from __future__ import annotations

import re

from tunesmith.checks.excerpt import around
from tunesmith.checks.worded import LEARNED, Worded

# Each rule is a test that costs little (one of these texts must occur) and then an expression that decides.
_REFUSAL_HINTS = ("as an ai", "language model", "i cannot", "i can't", "i am unable", "i'm unable", "i am not able",
                  "i'm not able", "i won't", "trained by openai", "an ai assistant", "against my programming",
                  "knowledge cutoff",
                  "my training data", "i am just an ai", "i'm just an ai", "an artificial intelligence")  # fmt: skip
_REFUSAL = re.compile(
    r"\bas an? (?:ai|artificial intelligence)\b(?: (?:language )?model| assistant| developed| created| trained|,| i\b)"
    r"|\bi(?:'m| am) (?:just |only |merely )?an? (?:ai\b|artificial intelligence|(?:large )?language model)"
    r"|\blanguage model (?:trained|developed|created) by\b|\btrained by openai\b|\bagainst my programming\b"
    r"|\b(?:my|as of my) (?:knowledge cutoff|training data|last (?:knowledge )?update)\b"
    r"|\bi(?:'m| am) (?:really |very |so )?sorry,? (?:but )?(?:as an? ai|i (?:cannot|can't|am unable to|"
    r"am not able to|'m unable to|won't) "
    r"(?:assist|help|fulfil|fulfill|comply|provide|answer|generate|create|write|engage|discuss|do that|continue))"
    r"|\bi (?:cannot|can't|won't|am unable to|am not able to) (?:assist|help) (?:you )?with (?:that|this|your request)"
    r"|\bi(?:'m| am) (?:unable|not able) to (?:assist|help|fulfil|fulfill|comply|provide|answer|generate)\b"
    r"|\bi (?:cannot|can't) (?:fulfil|fulfill|comply with|complete|answer) (?:that|this|your|the|such)\b"
)

_PLACEHOLDER_HINTS = (
    "lorem",
    "todo",
    "tbd",
    "fixme",
    "[",
    "{{",
    "<",
    "xxx",
    "placeholder",
    "goes here",
    "text here",
    "answer here",
    "name here",
    "content here",
)
_PLACEHOLDER = re.compile(
    r"\blorem ipsum dolor\b|\bdolor sit amet\b"
    # "TODO: write this" is left over; "mark it with TODO" speaks of one.
    r"|\b(?:TODO|FIXME)\b(?=:|[ \t]*(?:\n|$))|\bTBD\b"
    r"|\[(?i:(?:please )?(?:insert|enter (?:your|the|an?|name|date|text|number|details)|add|fill in|type in|put|"
    r"user ?\d*['’]s|placeholder)\b[^\]\n]{0,50}"
    # "[Your river is long, is it not?]" is a sentence, "[Enter ROMEO]" above a play's.
    r"|(?:your|my)\b[^\].,;!?\n]{0,50}"
    r"|(?:(?:first|last|full|company|customer|client|recipient|sender|employer|manager|hiring manager|product|brand|"
    r"business|"
    r"organi[sz]ation|school|university|position|job|phone|email|e-mail|city|country|state)(?:['’]s)? ?)?"
    r"(?:name|title|date|date and time|address|number|link|url|city|recipient|customer|sender|manager|company|"
    r"position|amount))"
    r"\](?!\()"
    r"|(?<!\$)\{\{ ?[A-Za-z_][\w .'-]{0,40} ?\}\}"
    r"|<(?i:insert|your|enter|name here|placeholder)[^<>\n]{0,40}>"
    r"|(?i:\b(?:text|answer|response|content|output) (?:goes )here\b|\binsert (?:text|answer|"
    r"response|name|content) here\b)"
)
_CODE = re.compile(r"```|^\s*(?:#|//)", re.MULTILINE)
# "Use placeholders such as [name]" asks for them.
_SPEAKS_OF_PLACEHOLDERS = re.compile(r"\bplaceholders\b|\bplaceholder,? (?:such|like)\b|\bbrackets\b")

_STRONG = (
    "regenerate response", "chatgpt can make mistakes", "javascript is disabled", "enable javascript",
    "skip to content",
    "skip to main content", "subscribe to our newsletter", "sign up for our newsletter", "sign up to our newsletter",
    "accept all cookies", "this site uses cookies", "this website uses cookies", "we use cookies", "share on facebook",
    "share on twitter", "share this article", "read more »", "click here to subscribe", "follow us on",
    "leave a comment below", "all rights reserved", "powered by wordpress", "like and subscribe", "thanks for watching",
    "advertisement continue reading",
)  # fmt: skip
# Ordinary words in a sentence, a page's frame where they head a list or have buttons behind them.
_HEADING = re.compile(
    r"\byou (?:might|may) also like(?::|\s*$)|\bwas this (?:article|page) helpful\?? ?(?:yes|no\b|$)", re.MULTILINE
)
_WEAK = (
    "privacy policy", "terms of use", "terms of service", "cookie policy", "click here", "read more", "contact us",
    "log in",
    "sign up", "home page", "site map", "sitemap", "copyright ©", "©", "back to top", "next page", "previous page",
    "newsletter",
)  # fmt: skip
_ANY_WEAK = re.compile("|".join(map(re.escape, _WEAK)))
_FRAME = 200  # characters


def refusal(text: Worded) -> str:
    """Return why an answer is a refusal or speaks of being a model, or nothing."""
    if not any(map(text.low.__contains__, _REFUSAL_HINTS)):
        return ""
    found = _REFUSAL.search(text.low)
    return f"refuses, or speaks of itself as a model: {around(text.low, found.start())}" if found else ""


def placeholder(text: Worded) -> str:
    """Return which placeholder a text still holds, or nothing. In code, `TODO` and brackets are ordinary."""
    if not any(map(text.low.__contains__, _PLACEHOLDER_HINTS)):
        return ""
    found = _PLACEHOLDER.search(text.text)
    if found is None or (_CODE.search(text.text) and "ipsum" not in found.group().lower()):
        return ""
    if text.role not in LEARNED and _SPEAKS_OF_PLACEHOLDERS.search(text.low):
        return ""
    return f"holds a placeholder: {found.group()[:60]}"


def boilerplate(text: Worded) -> str:
    """Return which words of a web page's frame a text holds (one sure sign, or three that are weak), or nothing."""
    strong = list(filter(text.low.__contains__, _STRONG))
    if ("also like" in text.low or "was this" in text.low) and (heading := _HEADING.search(text.low)):
        strong.append(heading.group().strip())
    if not strong and not ("policy" in text.low or "©" in text.low or "click" in text.low or "terms of" in text.low):
        return ""
    found = strong or _together(text.low)
    return "words of a page's frame: " + ", ".join(f'"{phrase}"' for phrase in found[:3]) if found else ""


def _together(low: str) -> list[str]:
    """Return three different weak signs that stand in one line of a page's frame, or nothing."""
    signs = [(match.start(), match.group()) for match in _ANY_WEAK.finditer(low)]
    for index, (start, _) in enumerate(signs):
        near = list(dict.fromkeys(phrase for place, phrase in signs[index:] if place - start <= _FRAME))
        if len(near) >= 3:
            return near
    return []
