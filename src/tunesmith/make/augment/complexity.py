"""Say it the long way round: the same request inside reasons, asides and formality. The answer stays what it was."""

from __future__ import annotations

from tunesmith.core.records import Record
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, asked, with_asked
from tunesmith.make.augment.protect import has_input

_FRAMES = (
    "I have put this off for weeks, partly because I did not know whom to ask and partly because it seemed too small a "
    "thing to bother anybody with, but since you are here anyway, here it is:\n\n{text}",
    "Before anything else, thank you for taking the time. Of the several matters on my list there is one that I would "
    "like to have settled today, and it is the following.\n\n{text}\n\nEverything else on the list can wait.",
    "With reference to the discussion in our last meeting, in which a number of points were raised that need not "
    "concern us here, the following request remains open and is hereby passed on to you:\n\n{text}",
    "A colleague and I have been going back and forth about this, she from memory and I from an old note that I can no "
    "longer find, so in the end we agreed to put it to you and to accept whatever you say:\n\n{text}",
    "It may well be that I could have found this out by myself, had I not lost most of the morning to a printer that "
    "would not print, and so I turn to you with it:\n\n{text}",
    "{text}\n\nThat is all I need. If you wonder why somebody would ask this on such a day: I am clearing my desk, and "
    "this was the note at the very bottom.",
    "To whom it may concern,\n\nkindly take note of the request below, which is meant exactly as it is written and to "
    "which nothing in this covering paragraph adds anything.\n\n{text}\n\nYours faithfully",
)


def complexity(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with the last user message inside a long-winded frame that asks for nothing more."""
    # What follows an input would be taken for a part of it.
    frames = [frame for frame in _FRAMES if frame.endswith("{text}") or not has_input(record)]
    return with_asked(record, draw.rng.choice(frames).format(text=asked(record)))


COMPLEXITY = Method(name="complexity", answer="kept", scenario="complex", make=complexity)
