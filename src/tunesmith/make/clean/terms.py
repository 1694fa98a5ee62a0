"""Say one thing with one word: a glossary of preferred terms and the variants that they replace.

The glossary is a YAML mapping, `preferred: [variant, variant]`. Code, web addresses, quoted text and compounds with a
hyphen keep their words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tunesmith.core.errors import ConfigError
from tunesmith.core.yaml_strict import read_yaml
from tunesmith.make.clean.code import outside_code

_KEPT = r"https?://\S+|\S+@\S+|\"[^\"\n]*\"|“[^”\n]*”"


def read_glossary(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the glossary of a YAML file.

    Raises:
        ConfigError: the file cannot be read, is no mapping to lists of texts, or would not come to rest.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("cannot be read", where=str(path), why=str(error)) from error
    glossary: dict[str, tuple[str, ...]] = {}
    for preferred, variants in read_yaml(text, where=str(path)).values.items():
        if not isinstance(variants, list) or not all(isinstance(v, str) and v.strip() for v in variants):
            raise ConfigError("must be a list of words", where=f"{path}: {preferred}", remedy="preferred: [variant]")
        glossary[preferred] = tuple(variants)
    check_glossary(glossary, str(path))
    return glossary


def check_glossary(glossary: Mapping[str, tuple[str, ...]], where: str) -> None:
    """Raise ConfigError where a variant has two preferred terms, or a preferred term is or holds a variant."""
    owner: dict[str, str] = {}
    for preferred, variants in glossary.items():
        for variant in variants:
            if owner.setdefault(variant.lower(), preferred) != preferred:
                raise ConfigError(f"{variant!r} stands under two terms", where=where)
    for preferred in glossary:
        found = _pattern(list(owner)).search(preferred) if owner else None
        if found:
            why = f"{found.group()!r} is itself a variant, so the text would change again and again"
            raise ConfigError(f"{preferred!r} cannot be a preferred term", where=where, why=why)


def normaliser(glossary: Mapping[str, tuple[str, ...]]) -> Callable[[str], str]:
    """Return the function that replaces variants by their preferred terms, keeping capitals as they were written."""
    preferred = {variant.lower(): term for term, variants in glossary.items() for variant in variants}
    if not preferred:
        return str
    pattern = re.compile(f"{_KEPT}|(?P<variant>{_pattern(list(preferred)).pattern})", re.I)

    def replace(match: re.Match[str]) -> str:
        found = match.group("variant")
        return match.group() if found is None else in_case_of(found, preferred[found.lower()])

    return lambda text: outside_code(text, lambda prose: pattern.sub(replace, prose))


def in_case_of(model: str, word: str) -> str:
    """Return `word` in capitals, with a capital or as it is, as `model` is written."""
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def _pattern(variants: list[str]) -> re.Pattern[str]:
    longest_first = sorted(variants, key=lambda v: (-len(v), v))
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w-])", re.I)
