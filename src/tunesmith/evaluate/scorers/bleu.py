"""BLEU of one completion by `sacrebleu` (Post 2018, arXiv 1804.08771), from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.errors import EnvironmentProblem


def sentence_bleu(text: str, references: Sequence[str]) -> float | None:
    """Return sentence BLEU with effective order over all references; None without a reference.

    Raises:
        EnvironmentProblem: sacrebleu is not installed.
    """
    try:
        import sacrebleu  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EnvironmentProblem("BLEU needs sacrebleu", remedy="pip install 'tunesmith[eval]'") from error
    if not references:
        return None
    return float(sacrebleu.sentence_bleu(text, list(references), use_effective_order=True).score) / 100.0
