"""Prompts that a labeler could not answer either: nothing asked, nothing given, too much at once. Each with advice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import Field

from tunesmith.checks.check import CheckedRow, RowCheck
from tunesmith.checks.finding import Finding, Severity
from tunesmith.checks.worded import Worded
from tunesmith.core.config import Strict

# The prompt speaks of material and then ends.
_ANNOUNCES = re.compile(
    r"\b(?:(?<!all of )(?<!one of )(?<!any of )(?<!each of )(?<!none of )(?<!which of )(?<!because of )"
    r"the following(?: \w+){0,4}|(?:text|passage|article|paragraph|sentences?|essay|document|code|list|table|"
    r"e-?mail|story|poem|"
    r"data|input|snippet|review|message|numbers?|words?) below|below (?:text|passage|article|paragraph|sentence|"
    r"code))\s*[:.]?\s*$"
)
_ATTACHED = re.compile(
    r"\b(?:(?:see|find|in|from|the|my) attach(?:ed|ments?)(?! to\b)"
    r"|attached (?:is|are|files?|images?|pictures?|documents?|texts?|tables?|e-?mails?|photos?|pdfs?|screenshots?)"
    r"|(?:the|my|this|a|see) screenshot|image above|picture above|file i (?:sent|uploaded))\b"
)
_MATERIAL = 8  # words
_VAGUE = re.compile(
    r"^(?:please )?(?:(?:fix|do|improve|change|rewrite|explain|continue|help|summari[sz]e|correct|edit|finish|make) ?"
    r"(?:it|this|that|these|them|me|more|better|it better|this better|on)?|more|again|go on|something|anything|stuff|"
    r"idk|whatever|hmm+|ok|test)"
    r"[\s.!?]*$"
)


class PromptClarityConfig(Strict):
    """Unclear or overlong prompts."""

    max_words: int = Field(1000, ge=1, description="a prompt with more words is overlong")
    max_questions: int = Field(6, ge=1, description="a prompt with more question marks asks too much at once")


class _Unclear(NamedTuple):
    kind: str
    reason: str
    severity: Severity = "warning"


class PromptClarityCheck(RowCheck):
    """Prompts with no request, a request without its material, too many requests, or too long."""

    name = "prompt_clarity"
    source = (
        "house rules after InstructGPT's labeling instructions (arXiv 2203.02155, appendix B.2), which ask labelers to "
        "infer the intent and to skip tasks whose intent is not clear"
    )

    def __init__(self, config: PromptClarityConfig) -> None:
        self._config = config

    def row(self, row: CheckedRow) -> Iterator[Finding]:
        """Yield what is unclear in the user's turns; later turns may refer to earlier ones."""
        users = [text for text in row.worded if text.role == "user"]
        for index, text in enumerate(users):
            for found in unclear(text, self._config, first=index == 0):
                kind = f"prompt_clarity.{found.kind}"
                yield Finding(row.file, row.line, text.field, kind, found.reason, found.severity)


def unclear(text: Worded, config: PromptClarityConfig, *, first: bool) -> Iterator[_Unclear]:
    """Yield what is unclear in one prompt, with advice; `first`: nothing was said before it."""
    low = text.low.strip()
    if first and len(low) < 60 and _VAGUE.match(low):
        yield _Unclear("vague", f'"{low[:40]}" does not say what of; name the thing and the result wanted')
    elif first and not any(c.isalnum() for c in low):
        yield _Unclear("vague", f'"{low[:40]}" asks nothing; write a question or an instruction')
    elif first and len(low) < 400 and (found := _ANNOUNCES.search(low)) and "?" not in low and not _given(low, found):
        yield _Unclear("no_material", f'ends in "{low[-40:]}" and gives none; add the material behind the instruction')
    # A long prompt brings its material along, and may well speak of what is attached to what.
    if first and len(low) < 400 and "attach" in low and _ATTACHED.search(low):
        yield _Unclear("no_material", "speaks of an attachment, which is not in the record; put its text there", "note")
    if len(text.words) > config.max_words:
        count = len(text.words)
        advice = "put the request first and shorten the material"
        yield _Unclear("overlong", f"{count:,} words (limit {config.max_words:,}); {advice}")
    # Material has questions too; a list of questions is little else.
    if text.text.count("?") > config.max_questions and len(text.words) < 20 * text.text.count("?"):
        count = text.text.count("?")
        yield _Unclear("many_questions", f"asks {count} questions at once; split it into several records", "note")


def _given(low: str, found: re.Match[str]) -> bool:
    """Tell whether other sentences stand before the one that announces material; they may be it."""
    ended = max(low.rfind(sign, 0, found.start()) for sign in (". ", "! ", ".\n", "\n\n"))
    return len(low[: max(ended, 0)].split()) >= _MATERIAL
