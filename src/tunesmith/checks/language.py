"""Is an answer in another language than its prompt? By script, and by function words for seven Latin-script languages.

This is a light method that needs no model. Its reach: scripts tell apart Latin, Cyrillic, Greek, Hebrew, Arabic,
Devanagari, Thai, Han, kana and Hangul; among Latin-script languages only those listed, from `min_words` words on.
Whatever it cannot tell, it does not flag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import Field

from tunesmith.checks.worded import Worded
from tunesmith.core.config import Strict


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that are frequent in one language; the other languages' are no words of English, which most prompts are in.
FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    "English": _words(
        """the and of to is are was were that this with for not you it be have has from which they what how their who
        when where did does can would had his her its but than been into about by at"""
    ),
    "German": _words(
        """der das und ist nicht ein eine einen mit für auf dem den des sich auch wird sind oder wie ich sie"""
    ),
    "French": _words("""le la les des est et une dans pour qui sur pas avec vous il elle sont cette ce aux du nous"""),
    "Spanish": _words("""el los las una es y para con por que se del al más como su pero está este muy puede usted"""),
    "Italian": _words("""il gli è di che non una per con sono della nel più anche alla questo si dei essere ha lo"""),
    "Portuguese": _words("""o os uma é e para com não que da em mais como se por são você ao isso ser dos tem"""),
    "Dutch": _words("""de het een en van niet dat op te zijn voor aan er ook als maar wordt naar deze je kan"""),
}
_ALL = frozenset().union(*FUNCTION_WORDS.values())
_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    "Cyrillic": re.compile("[\u0400-\u04ff]"),
    "Greek": re.compile("[\u0370-\u03ff]"),
    "Hebrew": re.compile("[\u0590-\u05ff]"),
    "Arabic": re.compile("[\u0600-\u06ff]"),
    "Devanagari": re.compile("[\u0900-\u097f]"),
    "Thai": re.compile("[\u0e00-\u0e7f]"),
    "Japanese": re.compile("[\u3040-\u30ff]"),
    "Korean": re.compile("[\uac00-\ud7af]"),
    "Chinese": re.compile("[\u4e00-\u9fff]"),
}
_LANGUAGES = (
    r"(?:english|german|deutsch|french|français|spanish|español|italian|italiano|portuguese|dutch|russian|chinese|"
    r"mandarin|japanese|"
    r"korean|arabic|hebrew|greek|hindi|thai|latin)"
)
_WANTED = re.compile(
    rf"\btranslat|\bübersetz|\btradui|\btraduc|\btraduz|\bvertaal|\blanguages?\b|\b(?:in|into|to|from|auf|en|em|"
    rf"speak|write) {_LANGUAGES}\b"
    rf"|\b{_LANGUAGES} (?:for|words?|phrases?|version|sentences?|text|translation|language|name)\b"
)


class LanguageConfig(Strict):
    """The answer's language."""

    min_words: int = Field(8, ge=4, description="answers and prompts shorter than this are not judged (Latin script)")
    min_share: float = Field(0.12, gt=0, le=1, description="share of words that must be a language's function words")


def language(text: Worded, config: LanguageConfig) -> str:
    """Return the language or script of a text, or nothing where it is not clear."""
    if not text.text.isascii():
        letters = sum(c.isalpha() for c in text.text)
        for script, pattern in _SCRIPTS.items():
            found = len(pattern.findall(text.text))
            if found >= 4 and found >= (0.15 if script == "Japanese" else 0.5) * letters:
                return script
    words = text.words
    if len(words) < config.min_words:
        return ""
    common = list(filter(_ALL.__contains__, words))
    counts = {name: sum(map(known.__contains__, common)) for name, known in FUNCTION_WORDS.items()}
    best, second = sorted(counts, key=lambda name: -counts[name])[:2]
    clear = counts[best] >= 2 * counts[second] and counts[best] >= config.min_share * len(words)
    # Different ones: "fa la la la" is no French, and a list of "tacos de ..." no Dutch.
    return best if clear and _different(text, best) >= 3 else ""


def _different(text: Worded, name: str) -> int:
    return len(FUNCTION_WORDS[name] & text.vocabulary)


def other_language(prompt: Sequence[Worded], answer: Worded, config: LanguageConfig) -> str:
    """Return why an answer is in another language than its prompt, or nothing.

    A prompt that speaks of a language or of translating, or that is itself in two languages, may want any.
    """
    ours = language(answer, config)
    if not ours or not prompt:
        return ""
    theirs = language(prompt[-1], config) or _guess(prompt[-1], ours, config)
    if not theirs or theirs == ours or {theirs, ours} == {"Chinese", "Japanese"}:
        return ""
    if any(_speaks(text, ours, config) or _WANTED.search(text.low) for text in prompt):
        return ""
    return f"the answer is in {ours}, its prompt in {theirs}"


def _speaks(text: Worded, name: str, config: LanguageConfig) -> bool:
    """Tell whether a text is in a language, or also in it: an English request about a Chinese passage."""
    return language(text, config) == name or (name in FUNCTION_WORDS and _different(text, name) >= 3)


def _guess(prompt: Worded, ours: str, config: LanguageConfig) -> str:
    """Return a prompt's language on weaker evidence, since the answer's is clear.

    A text of some length almost always has one of its language's function words, so one of English and none of the
    answer's language will do (of other languages two: names and quotations bring single ones into English); and where
    the answer's script is not Latin, Latin letters will.
    """
    words = prompt.words
    if len(words) < config.min_words:
        return ""
    if ours in _SCRIPTS:
        return "Latin script" if prompt.text.isascii() else ""
    counts = {name: _different(prompt, name) for name in FUNCTION_WORDS}
    best = max(counts, key=lambda name: counts[name])
    if counts[best] >= 2 and counts[best] >= 3 * max(n for name, n in counts.items() if name != best):
        return best
    enough = counts[best] >= (1 if best == "English" else 2)
    return best if enough and not counts[ours] and len(words) >= config.min_words + 2 else ""
