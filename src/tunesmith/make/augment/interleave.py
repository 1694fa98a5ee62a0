"""Two requests in one message. The answer is rewritten: it holds both answers, in the order of the requests.

The partner is drawn from the other single-turn demonstrations, whose order does not matter. Both belong to the variant,
so that a later split keeps all three together.
"""

from __future__ import annotations

from dataclasses import replace

from tunesmith.core.records import Demonstration, Message, Record, record_id
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, asked, first_turn_only, with_asked

LONGEST = 1500  # characters of both prompts together; longer ones would hide the second request
_FRAMES = (
    ("Two things. First: {a}\n\nSecond: {b}", "First: {a}\n\nSecond: {b}"),
    ("{a}\n\nAnd while you are at it: {b}", "{a}\n\nAnd to your second request: {b}"),
    ("1. {a}\n\n2. {b}", "1. {a}\n\n2. {b}"),
    ("I have two requests.\n\nRequest A: {a}\n\nRequest B: {b}", "Request A: {a}\n\nRequest B: {b}"),
)


def interleave(record: Asked, draw: Draw) -> Record | Unfit:
    """Return a demonstration with two requests and both answers; its meta names the partner as `partner`."""
    if not fit_for_two(record):
        return Unfit("only a short single question with its answer can share a message")
    assert isinstance(record, Demonstration)
    room = LONGEST - len(asked(record))
    # Without a system message of its own: there is only one place for one.
    partners = [o for o in draw.others if o.messages[:-1] != record.messages[:-1] and len(asked(o)) <= room]
    if not partners:
        return Unfit("there is no other record to share a message with")
    other = draw.rng.choice(partners)
    prompt, answer = draw.rng.choice(_FRAMES)
    both = with_asked(record, prompt.format(a=asked(record).strip(), b=asked(other).strip()))
    said = answer.format(a=record.completion.strip(), b=other.completion.strip())
    meta = {**record.meta, "partner": record_id(other)}
    return replace(both, messages=(*both.messages[:-1], Message("assistant", said)), meta=meta)


def fit_for_two(record: Record) -> bool:
    """Return whether a record can be one of two in a message."""
    if not isinstance(record, Demonstration) or not first_turn_only(record):
        return False
    return record.messages[0].role == "user" and len(asked(record)) < LONGEST


INTERLEAVE = Method(name="interleave", answer="rewritten", scenario="interleaved", make=interleave)
