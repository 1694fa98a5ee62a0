"""A workspace: a folder of pages, read without ever leaving it. What cannot be read is named, never just skipped."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tunesmith.context.page import Page, Passage, one_line, passages_of
from tunesmith.context.readers import html, markdown, pdf, plain, table
from tunesmith.context.readers.parsed import Parsed
from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.nearest import did_you_mean

READERS: Mapping[str, Callable[[bytes], Parsed]] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".txt": plain.read,
    ".text": plain.read,
    ".html": html.read,
    ".htm": html.read,
    ".pdf": pdf.read,
    ".csv": table.read,
    ".tsv": partial(table.read, tabs=True),
}
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a workspace may be: bytes of one file, files, bytes of all files, folders below folders."""

    file_bytes: int = 10 * MIB
    files: int = 2000
    total_bytes: int = 200 * MIB
    depth: int = 10


class Problem(NamedTuple):
    """A file or folder that was not read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """The pages by name in order, their passages, and what could not be read."""

    folder: Path
    pages: Mapping[str, Page]
    passages: tuple[Passage, ...]
    problems: tuple[Problem, ...]

    def page(self, name: str) -> Page:
        """Return the page of this path; its file name or its title will do where only one page has it.

        Raises:
            ConfigError: no page, or several, are meant.
        """
        if name in self.pages:
            return self.pages[name]
        low = name.casefold()
        found = [
            p
            for p in self.pages.values()
            if low in (Path(p.name).name.casefold(), Path(p.name).stem.casefold(), p.title.casefold())
        ]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(page.name for page in found)
            raise ConfigError(f"{name!r} could be several pages", where="page", remedy=f"name one of {several}")
        why = next((f"{problem.name} {problem.reason}" for problem in self.problems if problem.name == name), "")
        raise ConfigError(
            f"the workspace has no page {name!r}", where="page", why=why, remedy=did_you_mean(name, self.pages)
        )


def open_workspace(folder: Path, limits: Limits | None = None) -> Workspace:
    """Read every page below a folder. Links are never followed, so nothing outside the folder can be reached.

    Raises:
        ConfigError: there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError("is no folder", where=str(folder), remedy="name a folder of pages")
    limits = limits or Limits()
    pages: dict[str, Page] = {}
    problems: list[Problem] = []
    read_bytes = 0
    for relative in _walk(folder, Path(), limits, problems):
        name = relative.as_posix()
        if len(pages) >= limits.files:
            problems.append(Problem(name, f"is beyond the limit of {limits.files:,} pages, and so is what follows"))
            break
        try:
            data = _read_file(folder / relative, min(limits.file_bytes, limits.total_bytes - read_bytes))
            page = _page(name, READERS[relative.suffix.lower()](data))
        except DataError as error:
            problems.append(Problem(name, str(error)))
            continue
        read_bytes += len(data)
        pages[name] = page
    passages = tuple(passage for page in pages.values() for passage in passages_of(page))
    return Workspace(folder, pages, passages, tuple(problems))


def _page(name: str, parsed: Parsed) -> Page:
    if not parsed.blocks:
        raise DataError("holds no text", why="; ".join(parsed.notes))
    title = one_line(parsed.title) or one_line(Path(name).stem)
    return Page(name, title, tuple(parsed.blocks), tuple(parsed.notes))


def _walk(folder: Path, below: Path, limits: Limits, problems: list[Problem]) -> Iterator[Path]:
    """Yield the files with a reader, in order of their names; hidden ones are not pages."""
    if len(below.parts) > limits.depth:
        problems.append(Problem(below.as_posix(), f"is more than {limits.depth} folders deep"))
        return
    try:
        entries = sorted(os.scandir(folder / below), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(Problem(below.as_posix(), f"cannot be opened ({error.strerror})"))
        return
    for entry in entries:
        relative = below / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            problems.append(Problem(relative.as_posix(), "is a link; links are not followed"))
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(folder, relative, limits, problems)
        elif relative.suffix.lower() not in READERS:
            problems.append(Problem(relative.as_posix(), f"is of no known kind ({', '.join(READERS)})"))
        else:
            yield relative


def _read_file(path: Path, limit: int) -> bytes:
    """Return a regular file's bytes. The open file is what is checked: the name may mean another one by now."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise DataError(f"cannot be opened ({error.strerror})") from error
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise DataError("is no ordinary file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise DataError(f"is larger than the {limit:,} bytes left for it", remedy="split it, or raise the limit")
    return data
