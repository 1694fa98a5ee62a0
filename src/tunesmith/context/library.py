"""A workspace that questions are asked of: from names and a question to what may go into the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from tunesmith.context.page import Page
from tunesmith.context.retrieve import Embedder, Hit, Index
from tunesmith.context.workspace import Workspace


class Sources(NamedTuple):
    """What may go into one prompt beside the chat: pages pointed at, and what retrieval found, the best first.

    `searched` is how many passages retrieval looked at; `notes` say what was left out of these pages as they
    were read.
    """

    pages: tuple[Page, ...] = ()
    hits: tuple[Hit, ...] = ()
    searched: int = 0
    notes: tuple[str, ...] = ()


class Library:
    """A workspace and the index over its passages, which is made at the first search; see `Index` for the others."""

    def __init__(self, workspace: Workspace, embedder: Embedder | None = None, keeper: Embedder | None = None) -> None:
        self.workspace = workspace
        self._embedder = embedder
        self._keeper = keeper

    @cached_property
    def _index(self) -> Index:
        return Index(self.workspace.passages, self._embedder, self._keeper)

    def prepare(self) -> None:
        """Make the index now, so that the first question does not wait for it."""
        _ = self._index

    def sources(self, question: str, *, pages: Sequence[str] = (), passages: int = 0) -> Sources:
        """Return these pages, and the `passages` passages that fit the question best.

        Raises:
            ConfigError: a name is no page of the workspace, or could be several.
        """
        named = tuple(self.workspace.page(name) for name in pages)
        hits = tuple(self._index.search(question, most=passages)) if passages else ()
        used = {page.name: page for page in named}
        used |= {hit.passage.page: self.workspace.pages[hit.passage.page] for hit in hits}
        notes = tuple(f"{page.name}: {note}" for page in used.values() for note in page.notes)
        return Sources(named, hits, len(self.workspace.passages) if passages else 0, notes)
