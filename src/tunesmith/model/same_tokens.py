"""Whether two models speak in the same tokens, so that one can read what the other wrote."""

from __future__ import annotations

from tunesmith.core.errors import ConfigError
from tunesmith.model.load import LanguageModel


def require_same_tokens(model: LanguageModel, other: LanguageModel, *, role: str, where: str, remedy: str) -> None:
    """Let another model pass whose vocabulary and chat template are the model's; rows of the embedding may differ.

    `role` names the other model in the message, `where` the setting that gave it.

    Raises:
        ConfigError: says how many tokens differ, or that the templates do.
    """
    ours, theirs = model.tokenizer.vocabulary(), other.tokenizer.vocabulary()
    if ours != theirs:
        different = sum(theirs.get(token) != number for token, number in ours.items())
        raise ConfigError(
            f"model and {role} have different vocabularies",
            where=where,
            why=f"{len(ours):,} tokens against {len(theirs):,}, {different:,} of the model's are others there",
            remedy=remedy,
        )
    if model.chat_template().hash != other.chat_template().hash:
        raise ConfigError(f"model and {role} have different chat templates", where=where, remedy=remedy)
