"""The fixes by name, in the order in which they are applied: what one uncovers, a later one repairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tunesmith.checks.check import texts_of
from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import nearest
from tunesmith.core.records import Record
from tunesmith.make.clean.boilerplate import trim_boilerplate
from tunesmith.make.clean.html import about_markup, strip_html
from tunesmith.make.clean.invisible import remove_invisible
from tunesmith.make.clean.pii import Finder, mask_pii
from tunesmith.make.clean.terms import normaliser
from tunesmith.make.clean.unicode import repair_unicode
from tunesmith.make.clean.whitespace import tidy_whitespace
from tunesmith.make.texts import rewrite_texts

RecordFix = Callable[[Record], Record]
# duplicates is the one fix that needs to see all records; `clean` does it after the others.
DUPLICATES = "duplicates"
NAMES: Mapping[str, str] = {
    "unicode": "mojibake repaired, accents composed (NFC)",
    "html": "tags and comments removed, entities written out",
    "invisible": "control, zero-width and bidirectional characters removed",
    "boilerplate": "ready-made beginnings and ends trimmed",
    "terms": "variants replaced by the glossary's terms",
    "pii": "personal data replaced by placeholders",
    "whitespace": "line ends, gaps and blank lines made plain",
    DUPLICATES: "records with the same texts reduced to the first",
}


class Means(NamedTuple):
    """What some fixes need: the glossary of `terms`, the finder of `pii`. None: not given."""

    glossary: Mapping[str, tuple[str, ...]] | None = None
    find_pii: Finder | None = None


def fixes(names: Sequence[str], means: Means) -> dict[str, RecordFix]:
    """Return the fixes of these names in their fixed order, without `duplicates`.

    Raises:
        ConfigError: a name is unknown, or what it needs was not given.
    """
    for name in names:
        if name not in NAMES:
            near = nearest(name, list(NAMES))
            remedy = (f"did you mean {near}? " if near else "") + f"known: {', '.join(NAMES)}"
            raise ConfigError(f"unknown fix {name!r}", where="fix", remedy=remedy)
    return {name: _fix(name, means) for name in NAMES if name in names and name != DUPLICATES}


def _fix(name: str, means: Means) -> RecordFix:
    if name == "html":
        return _html
    if name == "boilerplate":
        return lambda record: rewrite_texts(record, lambda text: trim_boilerplate(text.text, text.role))
    if name == "pii":
        return _pii(means.find_pii)
    rewrite = {
        "unicode": repair_unicode,
        "invisible": remove_invisible,
        "whitespace": tidy_whitespace,
        "terms": _terms(means.glossary) if name == "terms" else str,
    }[name]
    return lambda record: rewrite_texts(record, lambda text: rewrite(text.text))


def _html(record: Record) -> Record:
    texts = [text.text for text in texts_of(record)]
    return record if about_markup(texts) else rewrite_texts(record, lambda text: strip_html(text.text))


def _pii(find: Finder | None) -> RecordFix:
    if find is None:
        raise ConfigError("this version has no finder of personal data", where="fix", why="pii needs one")
    return lambda record: mask_pii(record, find)


def _terms(glossary: Mapping[str, tuple[str, ...]] | None) -> Callable[[str], str]:
    if glossary is None:
        raise ConfigError("terms needs a glossary", where="glossary", remedy="give --set glossary=FILE.yaml")
    return normaliser(glossary)
