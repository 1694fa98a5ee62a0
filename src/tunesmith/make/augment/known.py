"""All methods of variation by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import nearest
from tunesmith.make.augment.ambiguity import AMBIGUITY
from tunesmith.make.augment.broken import BROKEN
from tunesmith.make.augment.case import CASE
from tunesmith.make.augment.complexity import COMPLEXITY
from tunesmith.make.augment.contradiction import CONTRADICTION
from tunesmith.make.augment.homoglyphs import HOMOGLYPHS
from tunesmith.make.augment.injection import INJECTION
from tunesmith.make.augment.interleave import INTERLEAVE
from tunesmith.make.augment.keyboard import KEYBOARD
from tunesmith.make.augment.method import Method
from tunesmith.make.augment.paraphrase import PARAPHRASE
from tunesmith.make.augment.persona import PERSONA
from tunesmith.make.augment.punctuation import PUNCTUATION
from tunesmith.make.augment.reorder import REORDER
from tunesmith.make.augment.spaces import SPACES
from tunesmith.make.augment.synonyms import SYNONYMS
from tunesmith.make.augment.typos import TYPOS

_NOISE = (TYPOS, KEYBOARD, CASE, PUNCTUATION, SPACES, HOMOGLYPHS)
_WORDING = (SYNONYMS, PARAPHRASE, REORDER, PERSONA, COMPLEXITY)
_TRAPS = (AMBIGUITY, INTERLEAVE, CONTRADICTION, BROKEN, INJECTION)
METHODS: Mapping[str, Method] = {method.name: method for method in (*_NOISE, *_WORDING, *_TRAPS)}


def methods(names: Sequence[str]) -> list[Method]:
    """Return the methods of these names, all of them without names.

    Raises:
        ConfigError: a name is unknown.
    """
    for name in names:
        if name not in METHODS:
            near = nearest(name, list(METHODS))
            remedy = (f"did you mean {near}? " if near else "") + f"known: {', '.join(METHODS)}"
            raise ConfigError(f"unknown method {name!r}", where="methods", remedy=remedy)
    return [METHODS[name] for name in names] if names else list(METHODS.values())
