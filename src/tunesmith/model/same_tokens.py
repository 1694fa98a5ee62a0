"""Whether two models speak in the same tokens, so that a distribution of one can be compared with the other's."""

from __future__ import annotations

from tunesmith.core.errors import ConfigError
from tunesmith.model.load import LanguageModel


def require_same_tokens(student: LanguageModel, teacher: LanguageModel) -> None:
    """Let a teacher pass whose vocabulary and chat template are the student's; rows of the embedding may differ.

    Raises:
        ConfigError: says how many tokens differ, or that the templates do.
    """
    ours, theirs = student.tokenizer.vocabulary(), teacher.tokenizer.vocabulary()
    if ours != theirs:
        different = sum(theirs.get(token) != number for token, number in ours.items())
        raise ConfigError(
            "student and teacher have different vocabularies",
            where="teacher",
            why=f"{len(ours):,} tokens against {len(theirs):,}, {different:,} of the student's are others there",
            remedy="let the teacher write answers with `tunesmith data distill`, and learn them with `train sft`",
        )
    if student.chat_template().hash != teacher.chat_template().hash:
        raise ConfigError(
            "student and teacher have different chat templates",
            where="teacher",
            remedy="fine-tune one of them with the other's template",
        )
