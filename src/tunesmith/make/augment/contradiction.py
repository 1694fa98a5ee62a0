"""Two wishes about the answer that cannot both be met. The answer is rewritten: it says so, then answers plainly."""

from __future__ import annotations

import re
from dataclasses import replace

from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, asked, with_asked

# (what is asked, how the answer names the conflict); each pair is impossible for any answer whatever.
_WISHES = (
    ("Answer in one word, and explain your answer in three full paragraphs.", "one word and three paragraphs"),
    ("Write the answer in capital letters only, and do not use any capital letter.", "only capitals and no capitals"),
    ("Keep it under ten words. It must be at least two hundred words long.", "under ten words and over two hundred"),
    ("Answer in English only, and do not write a single word in English.", "only English and no English"),
    ("Reply with exactly one sentence. Reply with exactly five sentences.", "exactly one sentence and exactly five"),
    ("Give me a numbered list, and use neither numbers nor a list.", "a numbered list and neither numbers nor a list"),
    ("Do not answer this at all, and make sure that you answer all of it.", "no answer and a full answer"),
)
_ANSWERS = (
    "You ask for {both}, and I cannot do both. Without either of these limits, my answer is:\n\n{answer}",
    "Those two wishes contradict each other ({both}), so tell me which one counts. Until then, plainly:\n\n{answer}",
    "{Both}: that cannot be done at once, so I leave both wishes aside.\n\n{answer}",
)
_HAS_WISHES = re.compile(
    r"\b(?:words?|sentences?|paragraphs?|capital\w*|uppercase|lowercase|bullet|numbered|list|language|english|short|brief\w*"
    r"|concise\w*|exactly|at least|at most|no more than|only|format)\b",
    re.I,
)


def contradiction(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the demonstration with two contradicting wishes, named in the answer before the old answer."""
    if not isinstance(record, Demonstration):
        return Unfit("without an answer there is none to rewrite")
    if any(_HAS_WISHES.search(message.content) for message in record.prompt if message.role in ("system", "user")):
        return Unfit("the prompt has wishes of its own about the answer's form")
    wishes, both = draw.rng.choice(_WISHES)
    said = draw.rng.choice(_ANSWERS).format(both=both, Both=both[:1].upper() + both[1:], answer=record.completion)
    changed = with_asked(record, f"{asked(record).rstrip()}\n\n{wishes}")
    return replace(changed, messages=(*changed.messages[:-1], Message("assistant", said)))


CONTRADICTION = Method(name="contradiction", answer="rewritten", scenario="negative", make=contradiction)
