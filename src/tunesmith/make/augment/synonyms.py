"""Other words for the same thing, from a small thesaurus of this project's own. The answer stays what it was.

WordNet was considered and left: no package on the index carries it ready to use offline, and without telling the senses
of a word apart its synonyms change the meaning. The table holds words whose synonyms fit almost everywhere; another
table in the same form can take its place.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Record
from tunesmith.make.augment.edits import Edit, apply, some
from tunesmith.make.augment.method import Asked, Draw, Method, Thesaurus, Unfit, with_asked
from tunesmith.make.augment.protect import protect, words
from tunesmith.make.clean.terms import in_case_of

_ARTICLE = re.compile(r"\b(an?)(\s+)$", re.I)
_VOWEL = re.compile(r"[aeio]|u(?!ni|se|su)|hour|hon", re.I)
_STRENGTH = 3  # synonyms do less harm than typing errors, so more words take part


def read_thesaurus(path: Path) -> Thesaurus:
    """Return the thesaurus of a file in the form that `synonyms.txt` explains.

    Raises:
        ConfigError: the file cannot be read.
        DataError: a line does not have that form; `where` is file:line.
    """
    try:
        return parse_thesaurus(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("cannot be read", where=str(path), why=str(error)) from error


def parse_thesaurus(text: str, where: str) -> Thesaurus:
    """Return each word's synonyms; see `synonyms.txt` for the form."""
    table: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = re.split(r"\s+([=>])\s+", line.strip())
        members = [part.split() for part in parts[0::2]]
        if len(members) < 2 or len({len(member) for member in members}) != 1:
            why = "a line needs two members, each with the same number of forms"
            raise DataError("is no group of synonyms", where=f"{where}:{number}", why=why)
        for forms in zip(*members, strict=True):
            plain = [form.replace("_", " ") for form in forms]
            table.setdefault(plain[0], []).extend(plain[1:])
            if "=" in parts[1::2]:
                table.setdefault(plain[1], []).append(plain[0])
    return {word: tuple(dict.fromkeys(others)) for word, others in table.items()}


@lru_cache(maxsize=1)
def built_in() -> Thesaurus:
    """Return the thesaurus that comes with the package."""
    return parse_thesaurus(files("tunesmith.make.augment").joinpath("synonyms.txt").read_text("utf-8"), "synonyms.txt")


def synonyms(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with synonyms for some unprotected words of the last user message."""
    protected = protect(record)
    if isinstance(protected, Unfit):
        return protected
    thesaurus = built_in() if draw.thesaurus is None else draw.thesaurus
    text = protected.text
    found = [(a, b) for a, b in words(protected) if text[a:b].lower() in thesaurus]
    if not found:
        return Unfit("no word has a synonym in the thesaurus")
    edits: list[Edit] = []
    for start, end in some(draw.rng, found, min(1.0, _STRENGTH * draw.rate)):
        word = text[start:end]
        other = in_case_of(word, draw.rng.choice(thesaurus[word.lower()]))
        edits.append(_with_article(text, Edit(start, end, other)))
    return with_asked(record, apply(text, edits))


def _with_article(text: str, edit: Edit) -> Edit:
    """Return the edit, extended over an `a` or `an` before it that has to follow the new word."""
    article = _ARTICLE.search(text, 0, edit.start)
    if not article:
        return edit
    word = "an" if _VOWEL.match(edit.text) else "a"
    return Edit(article.start(), edit.end, in_case_of(article.group(1), word) + article.group(2) + edit.text)


SYNONYMS = Method(name="synonyms", answer="kept", scenario="synonymous", make=synonyms)
