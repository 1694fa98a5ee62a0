"""What would make a prompt clearer, said while somebody types it. Few and sure: a wrong hint is worse than none."""

from __future__ import annotations

import re
from typing import NamedTuple

from tunesmith.checks.prompt_clarity import PromptClarityConfig, unclear
from tunesmith.checks.worded import Text, Worded

_TASK = re.compile(
    r"\b(?:add|analy[sz]e|answer|arrange|brainstorm|calculate|change|check|classify|clean|come|compare|complete|compose|"
    r"continue|convert|converting|correct|count|create|debug|decide|define|describe|design|draft|edit|evaluate|expand|explain|extract|"
    r"fill|find|fix|format|generate|give|group|help|identify|implement|improve|infer|invent|label|link|list|make|name|"
    r"number|order|outline|output|paraphrase|plan|polish|predict|produce|proofread|propose|provide|rank|rate|read|recommend|"
    r"remove|rename|rephrase|replace|reply|restore|return|review|rewrite|say|select|shorten|show|simplify|solve|sort|split|"
    r"start|state|suggest|summari[sz]e|tell|test|think|transform|translate|try|turn|use|verify|write|want|need|like)\b"
)
_QUESTION = re.compile(
    r"\?|^\W*(?:who|what|when|where|why|which|whose|how|is|are|was|were|do|does|did|can|could|would|should|will|may)\b"
)
_GREETING = re.compile(r"^\W*(?:hi|hello|hey|thanks|thank you|good (?:morning|evening|day)|bye|ok(?:ay)?|yes|no)\b")
# The thing that "this" stands for is named, or stands behind a colon, in quotes, in code or in another paragraph.
_REFERS = re.compile(
    r"\b(?:summari[sz]e|translate|rewrite|fix|correct|explain|shorten|improve|proofread|classify|paraphrase|edit|"
    r"review|convert|rephrase|simplify)\s+(?:this|that|these|those|it|them)\b(?!\s*[:\"'“(])"
    r"(?:\s+(?:text|email|e-mail|code|article|paragraph|sentence|message|page|letter|document|essay))?"
)
_MATERIAL = re.compile(r"\n|:\s*\S|[\"“`].{8,}|\bhttps?://", re.S)
_LISTING = re.compile(r"\b(?:list|table|extract|convert|compare|classify|label)\b")
_FORMAT = re.compile(
    r"\b(?:json|yaml|xml|csv|table|bullet|bullets|numbered|columns?|rows?|sentences?|words?|lines?|paragraphs?|one|two|"
    r"three|four|five|six|seven|eight|nine|ten|\d+|as|into|to|in|only|either|or)\b"
)
_SCRIPTS = {
    "Cyrillic": re.compile(r"[\u0400-\u04ff]{3,}"),
    "Greek": re.compile(r"[\u0370-\u03ff]{3,}"),
    "Arabic": re.compile(r"[\u0600-\u06ff]{3,}"),
    "Chinese or Japanese": re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]{3,}"),
    "Latin": re.compile(r"\b[a-z]{3,}\b(?:\W+[a-z]{3,}\b){3,}", re.I),
}
_TRANSLATES = re.compile(r"\b(?:translat\w*|language|mean|means|pronounce)\b", re.I)
_LONG_WORDS = 400


class Hint(NamedTuple):
    """One hint: its kind, and a sentence for the person who is typing."""

    kind: str
    text: str


def hints(text: str, *, first: bool = True, has_pages: bool = False) -> list[Hint]:
    """Return what is unclear in a prompt. `first`: nothing was said before it; `has_pages`: a page was pointed at."""
    worded = Worded(Text("prompt", "user", text))
    low = worded.low.strip()
    found: list[Hint] = []
    if not low:
        return found
    given = has_pages or not first
    for problem in unclear(worded, PromptClarityConfig(max_words=_LONG_WORDS, max_questions=3), first=not given):
        found.append(Hint(problem.kind, f"This {problem.reason}." if problem.kind != "vague" else f"{problem.reason}."))
    kinds = {hint.kind for hint in found}
    if not given and not kinds & {"vague", "no_material"} and _REFERS.search(low) and not _MATERIAL.search(text):
        found.append(Hint("no_material", "It is not said what “this” is; paste the text, or point at a page."))
    if first and not kinds and len(worded.words) >= 3 and not _asks(low):
        found.append(Hint("no_task", "Nothing is asked; say what should be done with it."))
    if _LISTING.search(low) and len(low) < 200 and not _FORMAT.search(low) and "?" not in low:
        found.append(Hint("no_format", "Say what form the answer should have: a table, five points, JSON."))
    scripts = [name for name, pattern in _SCRIPTS.items() if pattern.search(text)]
    if len(scripts) > 1 and not _TRANSLATES.search(text):
        found.append(Hint("languages", f"It mixes {' and '.join(scripts)}; say which language the answer should have."))
    return found


def _asks(low: str) -> bool:
    return bool(_TASK.search(low) or _QUESTION.search(low) or _GREETING.search(low))
