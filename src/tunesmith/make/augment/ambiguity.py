"""Leave out what the task is about: an instruction without its input. The answer becomes a request for it.

Only for prompts whose instruction points at an input ("the following", "this text") that stands below it, so that
without the input nobody could do the task.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, asked, first_turn_only, with_asked

_POINTS = re.compile(
    r"\b(?:the (?:following|given|provided|below)|this|these|below)\s+(?:\w+\s+){0,2}?"
    r"(?P<what>text|passage|paragraph|sentences?|articles?|reviews?"
    r"|e-?mails?|messages?|documents?|poems?|stor(?:y|ies)|tables?"
    r"|lists?|code|function|program|recipes?|questions?|words?|numbers?|data|dialogues?|conversations?|tweets?|comments?"
    r"|paragraphs?|context|statements?|input|quotes?|lyrics|essay|letter"
    r"|job description|equation|headlines?|titles?)\b",
    re.I,
)
_ANSWERS = (
    "The {what} you mention {is} not in your message. Please send {it}, and I will get to work.",
    "I cannot see the {what} yet. Could you paste {it} here?",
    "It looks as if the {what} did not come through. Please add {it} to your next message.",
    "Happy to do that, but the {what} {is} missing. Please send {it}.",
)


def ambiguity(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the demonstration without its input, answered by a request for the input."""
    if not isinstance(record, Demonstration) or not first_turn_only(record):
        return Unfit("only a single question with its answer can lose its input")
    head, gap, rest = asked(record).partition("\n")
    points = list(_POINTS.finditer(head))
    # An instruction that goes on below its first line might still hold what it needs.
    if re.search(r'["“]|:\s*\S', head):
        return Unfit("the instruction itself may hold the input")
    if not gap or not rest.strip() or len(points) != 1 or _POINTS.search(rest) or len(rest.split()) < 5:
        return Unfit("no instruction that points at an input below it")
    what = points[0].group("what").lower()
    many = what.endswith("s")
    said = draw.rng.choice(_ANSWERS).format(
        what=what, **{"is": "are" if many else "is", "it": "them" if many else "it"}
    )
    bare = with_asked(record, head.rstrip())
    return replace(bare, messages=(*bare.messages[:-1], Message("assistant", said)))


AMBIGUITY = Method(name="ambiguity", answer="rewritten", scenario="ambiguous", make=ambiguity)
