"""Which language a text is in, by `langdetect` (Nakatani 2010), with its random numbers fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.core.errors import EnvironmentProblem


def is_language(text: str, code: str) -> bool:
    """Return whether the text is in the language of the ISO 639-1 code; a text in no language is not.

    Raises:
        EnvironmentProblem: langdetect is not installed.
    """
    try:
        from langdetect import DetectorFactory, LangDetectException, detect  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EnvironmentProblem(
            "IFEval's language instructions need langdetect", remedy="pip install 'tunesmith[eval]'"
        ) from error
    DetectorFactory.seed = 0
    try:
        found: str = detect(text)
    except LangDetectException:
        return False
    return found == code


def response_language(text: str, wanted: Mapping[str, Any]) -> bool:
    """The whole response is in one language."""
    return is_language(text, wanted["language"])
