"""Say who is asking: one of many people puts the same question. The answer stays what it was.

The persons are such that who they are does not bear on an answer; a prompt that already says who asks, or how the
answer is to sound, is left alone.
"""

from __future__ import annotations

import re

from tunesmith.core.records import Record
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, asked, with_asked
from tunesmith.make.augment.protect import has_input

_PEOPLE = (
    "a retired bus driver",
    "a first-year student",
    "a nurse on a night shift",
    "a carpenter with an hour to spare",
    "the owner of a small bakery",
    "a grandmother of five",
    "a taxi driver between two rides",
    "an office clerk on a lunch break",
    "a gardener waiting for the rain to stop",
    "a journalist with a deadline",
    "a musician on tour",
    "a beekeeper",
    "a librarian",
    "a night watchman",
    "a farmer",
    "a sailor on leave",
    "a volunteer at the fire brigade",
    "a hairdresser",
)
_OPENINGS = (
    "Hi, I am {who}. {text}",
    "Hello! {Who} here. {text}",
    "I am {who}, and I was wondering about something.\n{text}",
    "Just so that you know whom you are talking with: I am {who}.\n\n{text}",
    "Good evening, {who} speaking. {text}",
    "{text}\n\n(Asked by {who}, if you were curious.)",
    "{text}\n\nMany thanks from {who}!",
)
_ALREADY = re.compile(
    r"\b(?:I am|I'm|as an?|my|act as|pretend|imagine you|role ?play|you are|in the (?:style|voice)"
    r"|persona|tone|audience"
    r"|who am I|about me)\b",
    re.I,
)


def persona(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with a person around the last user message."""
    text = asked(record)
    said = [message.content for message in record.messages if message.role in ("system", "user")]
    if any(_ALREADY.search(content) for content in said):
        return Unfit("the prompt already says who asks, or how to answer")
    who = draw.rng.choice(_PEOPLE)
    # What follows an input would be taken for a part of it.
    frames = [frame for frame in _OPENINGS if frame.endswith("{text}") or not has_input(record)]
    frame = draw.rng.choice(frames)
    return with_asked(record, frame.format(who=who, Who=who[:1].upper() + who[1:], text=text))


PERSONA = Method(name="persona", answer="kept", scenario="persona", make=persona)
