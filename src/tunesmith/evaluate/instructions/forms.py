"""Instructions about form: bullets, highlights, sections, titles, JSON, placeholders, postscripts, fixed answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")


def bullets(text: str, wanted: Mapping[str, Any]) -> bool:
    """Exactly so many lines begin with a star or a dash."""
    stars = re.findall(r"^\s*\*[^\*].*$", text, re.MULTILINE)
    dashes = re.findall(r"^\s*-.*$", text, re.MULTILINE)
    return bool(len(stars) + len(dashes) == wanted["num_bullets"])


def highlights(text: str, wanted: Mapping[str, Any]) -> bool:
    """At least so many *parts* or **parts** within a line."""
    single = [part for part in re.findall(r"\*([^\n\*]*)\*", text) if part.strip()]
    double = [part for part in re.findall(r"\*\*([^\n\*]*)\*\*", text) if part.strip()]
    return bool(len(single) + len(double) >= wanted["num_highlights"])


def sections(text: str, wanted: Mapping[str, Any]) -> bool:
    """At least so many sections, each begun by the word and a number."""
    marks = re.findall(rf"\s?{re.escape(wanted['section_spliter'])}\s?\d+\s?", text)
    return bool(len(marks) >= wanted["num_sections"])


def title(text: str, wanted: Mapping[str, Any]) -> bool:
    """A <<title>> in double angular brackets that is not empty."""
    return any(part.strip("<> ") for part in re.findall(r"<<[^\n]+>>", text))


def is_json(text: str, wanted: Mapping[str, Any]) -> bool:
    """The whole response is JSON, in a code fence or not."""
    try:
        json.loads(bare_json(text))
    except ValueError:
        return False
    return True


def bare_json(text: str) -> str:
    """Return the text without a code fence around it."""
    return re.sub(r"^```(?:json)?", "", text.strip(), flags=re.IGNORECASE).removesuffix("```").strip()


def placeholders(text: str, wanted: Mapping[str, Any]) -> bool:
    """At least so many [placeholders] in square brackets."""
    return bool(len(re.findall(r"\[.*?\]", text)) >= wanted["num_placeholders"])


def postscript(text: str, wanted: Mapping[str, Any]) -> bool:
    """A postscript that begins with the marker; spaces between its letters are allowed."""
    letters = [re.escape(letter) for letter in str(wanted["postscript_marker"]).lower() if letter.isalnum()]
    return re.search(r"\.\s?".join(letters), text.lower()) is not None


def constrained_answer(text: str, wanted: Mapping[str, Any]) -> bool:
    """One of the three fixed answers occurs."""
    return any(answer in text for answer in ANSWERS)
