"""Answers that teach nothing good: refusals, placeholders, boilerplate, copies, repetition, slips, wrong language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import Field

from tunesmith.checks.check import CheckedRow, RowCheck
from tunesmith.checks.finding import Finding, Severity
from tunesmith.checks.language import LanguageConfig, other_language
from tunesmith.checks.phrases import boilerplate, placeholder, refusal
from tunesmith.checks.repetition import RepetitionConfig, repetition
from tunesmith.checks.spelling import SpellingConfig, spelling
from tunesmith.checks.terms import terms
from tunesmith.checks.worded import ANSWERS, LEARNED, Worded
from tunesmith.core.config import Strict

_FIGURES = re.compile(r"\d+")


class NoiseConfig(Strict):
    """Answers that teach nothing good."""

    repetition: RepetitionConfig = Field(RepetitionConfig(), description="repetition")
    language: LanguageConfig = Field(LanguageConfig(), description="the answer's language")
    spelling: SpellingConfig = Field(SpellingConfig(), description="spelling noise")
    min_copied_words: int = Field(6, ge=1, description="a prompt of so many words, repeated, is a copy")
    glossary: dict[str, tuple[str, ...]] = Field({}, description="preferred term -> the words to use it for")


class _Fault(NamedTuple):
    kind: str
    reason: str
    severity: Severity = "warning"


class NoiseCheck(RowCheck):
    """Refusals, placeholders, boilerplate, copied prompts, other languages, repetition, spelling, terms."""

    name = "noise"
    source = (
        "repetition: Gopher, arXiv 2112.11446, table A1; boilerplate: C4, arXiv 1910.10683, section 2.2, and house "
        "rules; "
        "spelling: Damerau 1964 with a word list of our own; refusals, placeholders, copies and language: house rules, "
        "since what is imitated is what comes out"
    )

    def __init__(self, config: NoiseConfig) -> None:
        self._config = config

    def row(self, row: CheckedRow) -> Iterator[Finding]:
        """Yield the noise of each text."""
        before: list[Worded] = []
        for worded in row.worded:
            for fault in self._faults(worded, before):
                yield Finding(row.file, row.line, worded.field, f"noise.{fault.kind}", fault.reason, fault.severity)
            if worded.role in ("system", "user", "assistant", "tool"):
                before.append(worded)

    def _faults(self, text: Worded, before: Sequence[Worded]) -> Iterator[_Fault]:
        config = self._config
        if config.glossary and (reason := terms(text, config.glossary)):
            yield _Fault("terms", reason, "note")
        if text.role not in LEARNED:
            if reason := placeholder(text):
                yield _Fault("placeholder", reason)
            return
        if text.role in ANSWERS:
            yield from self._answer_faults(text, [t for t in before if t.role == "user"])
        for kind, reason in (
            ("placeholder", placeholder(text)),
            ("boilerplate", boilerplate(text)),
            ("repetition", repetition(text, config.repetition)),
            ("spelling", spelling(text, config.spelling)),
        ):
            if reason:
                yield _Fault(kind, reason)

    def _answer_faults(self, answer: Worded, users: Sequence[Worded]) -> Iterator[_Fault]:
        if reason := refusal(answer):
            yield _Fault("refusal", reason)
        if not users:
            return
        if reason := copied(users[-1], answer, self._config.min_copied_words):
            yield _Fault("copies_prompt", reason)
        if reason := other_language(users[-2:], answer, self._config.language):
            yield _Fault("language", reason)


def copied(prompt: Worded, answer: Worded, min_words: int) -> str:
    """Return why an answer is a copy of its prompt or begins with the whole of it, or nothing."""
    count = len(prompt.words)
    if count < min_words or len(answer.words) < count or answer.words[:count] != prompt.words:
        return ""
    # Words leave figures out: "I am user 2" is no copy of "I am user 1".
    figures = _FIGURES.findall(prompt.text)
    if _FIGURES.findall(answer.text)[: len(figures)] != figures:
        return ""
    rest = len(answer.words) - count
    return f"begins with the whole prompt ({count} words)" if rest else f"is the prompt again ({count} words)"
