"""Fit a chat and its pages into a model's length: a limit that is never exceeded, by rules that are stated.

1. The system message and the last user turn are always whole; if they alone do not fit, that is an error.
2. Pages that the person pointed at, in the order named, each whole if it fits. One that does not is cut at a sentence
   end, within its share of what is left (three quarters if there is a history, divided among the pages to come).
3. The history, newest exchange first, each whole; the first that does not fit ends it, so that it has no holes.
4. A page that was cut grows into what is still free.
5. Passages that retrieval found, best first, each whole.
6. The best passage that did not fit is cut at a sentence end, if at least one sentence fits.

Every step renders the whole prompt through the model's chat template and counts its tokens: nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tunesmith.context.draft import ContextTooLongError, Draft, conversation_of, farthest
from tunesmith.context.framing import Part, label
from tunesmith.context.page import Page
from tunesmith.context.receipt import Entry, Receipt
from tunesmith.context.retrieve import Hit
from tunesmith.core.records import Message
from tunesmith.text.chat_template import ChatTemplate

PAGE_SHARE = 0.75
# A longer text is not tokenised only to say by how much it does not fit.
COUNTED_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A chat that ends with the user's turn, the pages pointed at, and what retrieval found, the best first.

    `searched` is how many passages retrieval looked at. `delimited` off puts the texts in bare, to measure what the
    frame is worth.
    """

    messages: Sequence[Message]
    pages: Sequence[Page] = ()
    hits: Sequence[Hit] = ()
    searched: int = 0
    delimited: bool = True
    notes: Sequence[str] = ()


class Fitted(NamedTuple):
    """The messages as they are sent, their exact ids with the start of the answer, and the account of them."""

    messages: list[Message]
    ids: list[int]
    receipt: Receipt


def fit(template: ChatTemplate, request: Request, *, max_length: int, max_tokens: int) -> Fitted:
    """Return the fullest prompt that leaves `max_tokens` of `max_length` free, by the rules above; deterministic.

    Raises:
        ContextTooLongError: the system message and the last user turn alone do not fit.
        ConfigError: the last message is not the user's.
        DataError: the template refuses the roles.
    """
    talk = conversation_of(request.messages)
    texts = [part for page in request.pages for part in (page.name, page.title, page.text)]
    texts += [part for hit in request.hits for part in hit.passage]
    room = max_length - max_tokens
    draft = Draft(template, talk, texts, room=room, delimited=request.delimited)
    if draft.free < 0:
        raise ContextTooLongError(len(draft.ids), room, max_length, max_tokens)
    filling = _Filling(draft, request)
    entries = filling.entries()
    receipt = Receipt(max_length, max_tokens, len(draft.ids), entries, request.searched, tuple(request.notes))
    return Fitted(draft.messages(draft.parts, draft.exchanges), draft.ids, receipt)


class _Filling:
    """The rules, in order; each step leaves entries for the receipt."""

    def __init__(self, draft: Draft, request: Request) -> None:
        self._draft = draft
        self._request = request
        self._fixed = self._fixed_entries()
        self._cut: dict[int, Part] = {}  # place among the parts -> the whole part
        self._pages = [self._page(index, page) for index, page in enumerate(_once(request.pages))]
        self._exchanges = self._history()
        self._grow()
        self._passages = self._find_passages()
        self._cut_best()

    def entries(self) -> tuple[Entry, ...]:
        return (*self._fixed, *self._pages, *self._exchanges, *self._passages)

    def _fixed_entries(self) -> list[Entry]:
        system, total = self._draft.talk.system, len(self._draft.ids)
        own = min(self._count(system.content), total) if system else 0
        entries = [Entry("system", "system message", "", "whole", own, own, "")] if system else []
        rest = total - own
        return [*entries, Entry("question", "last message and template", "", "whole", rest, rest, "")]

    def _page(self, index: int, page: Page) -> Entry:
        draft, text = self._draft, page.text
        part = Part(page.name, page.title, "", text, cut=False)
        place = len(draft.parts)
        needed = self._needed(text)
        hopeless = needed is None or needed > draft.free
        added = None if hopeless else draft.accept([*draft.parts, part], 0)
        if added is not None:
            return self._in("page", part, place, added, needed, "pointed at")
        left = len(_once(self._request.pages)) - index
        share = (PAGE_SHARE if draft.talk.exchanges else 1.0) / left
        added = draft.accept_cut(place, part, room=len(draft.ids) + int(draft.free * share))
        if added is None:
            return Entry("page", page.name, "", "out", 0, needed, "pointed at, but not one sentence of it fits")
        self._cut[place] = part
        return self._in("page", draft.parts[place], place, added, needed, "pointed at")

    def _history(self) -> list[Entry]:
        draft = self._draft
        needed = [sum(self._count(m.content) for m in exchange) for exchange in reversed(draft.talk.exchanges)]
        added = farthest(lambda index: draft.accept(draft.parts, index + 1), len(needed)) or 0
        kept = draft.exchanges
        # What the template puts around the messages is booked where the template's other tokens are.
        last = self._fixed[-1]
        self._fixed[-1] = last._replace(tokens=last.tokens + added - sum(needed[:kept]))
        entries = []
        for index, tokens in enumerate(needed):
            name = "newest exchange" if index == 0 else f"exchange {index + 1} back"
            if index < kept:
                entries.append(Entry("exchange", name, "", "whole", tokens, tokens, "history"))
            else:
                reason = "did not fit" if index == kept else "older than one that did not fit"
                entries.append(Entry("exchange", name, "", "out", 0, tokens, reason))
        return entries

    def _grow(self) -> None:
        for place, part in self._cut.items():
            added = self._draft.accept_cut(place, part, room=self._draft.room)
            if added:
                shown = self._draft.parts[place]
                index = next(i for i, e in enumerate(self._pages) if e.name == part.page)
                before = self._pages[index]
                self._pages[index] = before._replace(
                    tokens=before.tokens + added, state="cut" if shown.cut else "whole"
                )

    def _find_passages(self) -> list[Entry]:
        draft, entries = self._draft, []
        for hit in self._request.hits:
            passage = hit.passage
            part = Part(passage.page, passage.title, passage.heading, passage.text, cut=False)
            needed = self._needed(passage.text)
            shown = next((p for p in draft.parts if p.page == part.page and part.text in p.text), None)
            # More tokens alone than there is room: no need to render. (A count is never taken for a fit.)
            hopeless = needed is None or needed > draft.free
            added = None if shown or hopeless else draft.accept([*draft.parts, part], draft.exchanges)
            if added is None:
                reason = "its page already shows it" if shown else f"{hit.how}, did not fit"
                out = Entry("passage", part.page, part.heading, "out", 0, needed, reason)
                entries.append(out._replace(score=hit.score, id=passage.id))
                continue
            entry = self._in("passage", part, len(draft.parts) - 1, added, needed, hit.how)
            entries.append(entry._replace(score=hit.score, id=passage.id))
        return entries

    def _cut_best(self) -> None:
        draft = self._draft
        for index, (entry, hit) in enumerate(zip(self._passages, self._request.hits, strict=True)):
            if entry.state == "out" and entry.reason == f"{hit.how}, did not fit":
                passage, place = hit.passage, len(draft.parts)
                part = Part(passage.page, passage.title, passage.heading, passage.text, cut=False)
                added = draft.accept_cut(place, part, room=draft.room)
                if added is not None:
                    found = self._in("passage", draft.parts[place], place, added, entry.needed, hit.how)
                    self._passages[index] = found._replace(score=hit.score, id=passage.id)
                return

    def _in(self, kind: str, part: Part, place: int, added: int, needed: int | None, reason: str) -> Entry:
        state = "cut" if part.cut else "whole"
        cited = label(place + 1, part.page, part.heading)
        return Entry(kind, part.page, part.heading, state, added, needed, reason, cited)  # type: ignore[arg-type]

    def _count(self, text: str) -> int:
        return len(self._draft.template.tokenizer.encode(text))

    def _needed(self, text: str) -> int | None:
        return self._count(text) if len(text) <= COUNTED_CHARACTERS else None


def _once(pages: Sequence[Page]) -> list[Page]:
    return list({page.name: page for page in pages}.values())
