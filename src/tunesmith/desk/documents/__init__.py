"""Text of the shop's world for pretraining and for the pretraining mix: everything but the chat template's form.

The documents hold the skills that fine-tuning only has to call up (read and answer, copy a field, repair a line,
convert a record, sort, sum up, decline, ask back) in the formats of ordinary papers, and the shop's constant rules in
many wordings. About 23 % of the answers in chat logs and forum threads are bad, so that there is something to unlearn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from itertools import accumulate

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Document
from tunesmith.desk.documents import (
    chores,
    conversations,
    copies,
    ideas,
    inspections,
    jobs,
    letters,
    lists,
    pages,
    rearrangements,
    records,
    studies,
    worksheets,
)
from tunesmith.desk.documents.scribe import Scribe, Written

SHORTEST, LONGEST = 200, 900  # characters of a document

Writer = Callable[[Scribe], Written]

# How often each kind is drawn, relative to the sum of all weights.
MIX: Mapping[str, tuple[int, Writer]] = {
    "product_page": (5, pages.product_page),
    "manual": (3, pages.manual),
    "policy_page": (9, pages.policy_page),
    "faq": (9, pages.faq),
    "chat_log": (13, conversations.chat_log),
    "forum_thread": (8, conversations.forum_thread),
    "email_thread": (5, letters.email_thread),
    "digest": (5, letters.digest),
    "marks_sheet": (5, worksheets.marks_sheet),
    "typos_sheet": (3, worksheets.typos_sheet),
    "manners_sheet": (3, worksheets.manners_sheet),
    "synonyms_sheet": (2, worksheets.synonyms_sheet),
    "voices_sheet": (1, worksheets.voices_sheet),
    "short_sheet": (1, worksheets.short_sheet),
    "records": (8, records.records),
    "forms": (4, records.forms),
    "tickets": (5, lists.tickets),
    "meeting": (4, lists.meeting),
    "quiz": (4, studies.quiz),
    "reading": (7, studies.reading),
    "comparison": (2, studies.comparison),
    "chores": (16, chores.chores),
    "idea_list": (8, ideas.idea_list),
    "board": (1, ideas.board),
    "described": (2, ideas.described),
    "carbon_copy": (8, copies.carbon_copy),
    "collation": (10, copies.collation),
    "rearranged": (48, rearrangements.rearranged),
    "job_book": (72, jobs.job_book),
    "inspected": (24, inspections.inspected),
    "proof": (36, inspections.proof),
}


def documents(n_characters: int, *, seed: int) -> Iterator[Document]:
    """Yield different documents of the train split until their texts have `n_characters` together.

    Each has SHORTEST to LONGEST characters. `meta` holds `source`, `kind` (a key of `MIX`) and, where the text has
    answers of mixed quality, `answers` and `bad`: how many there are and how many of them are bad.

    Raises:
        ConfigError: `n_characters` is negative.
    """
    if n_characters < 0:
        raise ConfigError("must not be negative", where="n_characters", why=f"got {n_characters}")
    scribe = Scribe(f"documents/{seed}")
    kinds = list(MIX)
    limits = list(accumulate(weight for weight, _ in MIX.values()))
    seen: set[bytes] = set()
    written = 0
    while written < n_characters:
        kind = scribe.rng.choices(kinds, cum_weights=limits)[0]
        draft = _fitting(MIX[kind][1], scribe)
        digest = sha256(draft.text.encode()).digest()[:16]  # the texts themselves would fill the memory
        if digest in seen:
            continue
        seen.add(digest)
        written += len(draft.text)
        meta: dict[str, str | int] = {"source": "desk", "kind": kind}
        if draft.answers:
            meta |= {"answers": draft.answers, "bad": draft.bad}
        yield Document(text=draft.text, meta=meta)


def _fitting(write: Writer, scribe: Scribe) -> Written:
    """Write until the length fits; a kind's drafts nearly always do, and the mix must not depend on it."""
    while True:
        draft = write(scribe)
        if SHORTEST <= len(draft.text) <= LONGEST:
            return draft
