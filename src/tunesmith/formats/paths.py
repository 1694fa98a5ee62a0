"""File names that a person gave, checked."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from tunesmith.core.errors import ConfigError


def existing_file(path: Path) -> Path:
    """Return the path of a file that is there.

    Raises:
        ConfigError: there is none (the nearest name in its folder is suggested), or it is a folder.
    """
    path = Path(path)
    try:
        if path.is_file():
            return path
        if path.is_dir():
            raise ConfigError("is a folder", where=str(path), remedy="name a file in it")
        near = nearest(path.name, [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else [])
    except (OSError, ValueError) as error:
        raise ConfigError("cannot be opened", where=str(path)[:200], why=str(error)[:200]) from error
    if path.parent.is_dir():
        remedy = f"did you mean {path.parent / near}?" if near else "check the name"
    else:
        remedy = f"there is no folder {path.parent}"
    raise ConfigError("there is no such file", where=str(path), remedy=remedy)


def nearest(name: str, known: list[str]) -> str:
    """Return the known name that is most like `name`, or an empty text."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.5)), "")
