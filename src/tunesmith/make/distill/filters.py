"""Tell which answers of a teacher are not worth learning; each is counted under its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tunesmith.make.distill.log import Answer

_REFUSAL = re.compile(
    r"\A\W*(?:I(?:['’]m| am) (?:very |so |truly )?sorry\b.{0,60}?\b(?:can(?:not|['’]t)|unable|not able)"
    r"|(?:sorry|unfortunately|apologies)\b.{0,40}?\bI (?:can(?:not|['’]t)|am (?:unable|not able)|must decline|won['’]t)"
    r"|I (?:can(?:not|['’]t)|won['’]t|am (?:unable|not able) to) "
    r"(?:help|assist|provide|fulfil|comply|answer|create|write|do that)"
    r"|As an AI\b.{0,80}?\bI (?:can(?:not|['’]t)|do(?: not|n['’]t)|am (?:unable|not able)))",
    re.I | re.S,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an answer must be. Lengths are characters; `refusals` True keeps refusals (they may be wanted)."""

    min_characters: int = 1
    max_characters: int | None = None
    refusals: bool = False
    cut_off: bool = False


def is_refusal(text: str) -> bool:
    """Return whether a text begins by declining to help."""
    return bool(_REFUSAL.match(text))


def fault(answer: Answer, filters: Filters) -> str:
    """Return why an answer is left out, or an empty text."""
    text = answer.text.strip()
    if not text:
        return "empty"
    if answer.finish == "filtered":
        return "withheld by the teacher's own filter"
    if answer.finish == "length" and not filters.cut_off:
        return "cut off at max_tokens"
    if len(text) < filters.min_characters:
        return f"shorter than {filters.min_characters} characters"
    if filters.max_characters is not None and len(text) > filters.max_characters:
        return f"longer than {filters.max_characters} characters"
    if not filters.refusals and is_refusal(text):
        return "refusal"
    return ""
