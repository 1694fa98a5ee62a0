"""Ask the same thing in another frame: "How do I ...?" becomes "What do I have to do to ...?". The answer stays.

Frames change only how the message begins, so they suit any task; set phrases inside the text change only where noise
is allowed at all (see `protect`).
"""

from __future__ import annotations

import random
import re

from tunesmith.core.records import Record
from tunesmith.make.augment.edits import Edit, apply
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, asked, with_asked
from tunesmith.make.augment.protect import protect

_VERBS = (
    "analyze|answer|arrange|brainstorm|build|calculate|categorize|change|classify|come up with|compare|compose|compute"
    "|consider|construct|convert|create|decide|define|describe|design|determine|discuss|edit|estimate|evaluate|explain"
    "|extract|find|generate|give|identify|imagine|invent|list|make|name|outline|paraphrase|predict|prepare|pretend|prove"
    "|propose|provide|read|recommend|rephrase|rewrite|select|show|solve|sort|state|suggest|summarize|tell"
    "|think of|translate"
    "|turn|use|write"
)
# A frame: what the message begins with, and what can stand there instead. Sentence frames need the whole line.
_OPENINGS = (
    (r"How do I (?=\w)", ("What do I have to do to ", "What is the way to ", "Please tell me how to ")),
    (r"How do you (?=\w)", ("How does one ", "What does one do to ")),
    (r"How can I (?=\w)", ("In what way can I ", "What can I do to ")),
    (r"How many (?=\w)", ("What number of ",)),
    (r"Why (?=do|does|did|is|are|was|were)", ("For what reason ", "For which reason ")),
    (r"(?:Can|Could) you (?:please )?(?=[a-z])", ("Would you ", "Would you please ", "Are you able to ")),
    (r"I (?:want|need) you to (?=\w)", ("Your task is to ", "I would like you to ")),
    (r"I(?: would|'d) like to (?=\w)", ("I want to ", "I wish to ")),
    (r"I want to (?=\w)", ("I would like to ", "I wish to ")),
    (r"I need to (?=\w)", ("I have to ", "I must ")),
    (r"I need help (?=\w)", ("I need assistance ", "I could do with some help ")),
    (r"Where can I (?=\w)", ("In which place can I ", "Please tell me where I can ")),
    (r"What are some (?=\w)", ("Tell me some ", "Name some ")),
    (r"Tell me (?=\w)", ("Let me know ", "Please tell me ")),
)
_LEADS = (
    "Please answer this question. ",
    "Here is my question. ",
    "I have a question. ",
    "I would like to know this. ",
)
_QUESTION = re.compile(
    r"(?:what|who|which|where|when|why|how|is|are|do|does|did|can|could|will|was|were)\b[^\n]*\?\s*\Z", re.I
)
_IMPERATIVE = re.compile(rf"(?:please )?((?:{_VERBS}) [^\n.?!]*)[.]?[ \t]*(?=\n|\Z)", re.I)
_REQUESTS = ("Please {}.", "Could you {}?", "I would like you to {}.", "Your task: {}.")
_PHRASES = {
    "in order to": "so as to",
    "for example": "for instance",
    "due to": "because of",
    "make sure that": "see to it that",
    "is able to": "can",
    "are able to": "can",
    "in addition": "besides",
    "as well as": "and also",
    "a lot of": "plenty of",
    "at the moment": "right now",
    "such as": "like",
    "as soon as possible": "at the earliest moment",
    "instead of": "in place of",
    "in spite of": "despite",
}
_PHRASE = re.compile(r"\b(?:" + "|".join(_PHRASES) + r")\b", re.I)


def paraphrase(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with the last user message in another frame, and with other set phrases."""
    text = asked(record)
    protected = protect(record)
    changed = text
    if not isinstance(protected, Unfit):
        found = [m for m in _PHRASE.finditer(text) if protected.is_free(*m.span())]
        changed = apply(text, [Edit(m.start(), m.end(), _phrase(m.group())) for m in found])
    changed = _reframed(draw.rng, changed)
    return Unfit("the message begins with none of the known frames") if changed == text else with_asked(record, changed)


def _phrase(found: str) -> str:
    other = _PHRASES[found.lower()]
    return other[:1].upper() + other[1:] if found[:1].isupper() else other


def _reframed(rng: random.Random, text: str) -> str:
    for pattern, others in _OPENINGS:
        match = re.match(pattern, text, re.I)
        if match:
            opening = rng.choice(others)
            ends = (
                opening.startswith(("Please", "Tell", "Name")) and text.rstrip().endswith("?") and text.count("?") == 1
            )
            rest = text[match.end() :]
            return opening + (rest.rstrip().removesuffix("?") + "." if ends else rest)
    order = _IMPERATIVE.match(text)
    if order and order.group(1)[0].isalpha():
        said = order.group(1)
        framed = rng.choice(_REQUESTS).format(said[:1].lower() + said[1:].rstrip(" :,;"))
        return framed + text[order.end() :] if said.rstrip()[-1] not in ":,;" else text
    return rng.choice(_LEADS) + text if _QUESTION.match(text) else text


PARAPHRASE = Method(name="paraphrase", answer="kept", scenario="synonymous", make=paraphrase)
