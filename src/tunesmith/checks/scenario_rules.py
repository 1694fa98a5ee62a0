"""Transparent guesses of a row's task and scenario: the first rule that fits, each with a name and a pattern.

They are for rows without labels, and only as good as their agreement with labelled rows, which
docs/data.md gives. Nothing here is learned; a rule that is wrong can be read and changed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tunesmith.core.records import Document, Record

TASKS = (
    "generation",
    "open_qa",
    "brainstorming",
    "chat",
    "rewrite",
    "summarisation",
    "classification",
    "closed_qa",
    "extraction",
    "other",
    "restore_punctuation",
    "convert",
    "action_items",
)
SCENARIOS = (
    "plain",
    "edge",
    "contextual",
    "negative",
    "persona",
    "complex",
    "ambiguous",
    "interleaved",
    "synonymous",
    "noisy",
    "adversarial",
)
_LENGTH_READ = 600  # characters at either end of a prompt; an instruction stands at one of them
_LONG = 120  # words of a prompt from which on it is called complex
_PASTED = 200  # characters of a prompt from which on a question is taken to be about a given text


class Guess(NamedTuple):
    """A name and the rule that chose it."""

    name: str
    rule: str


class _Rule(NamedTuple):
    name: str
    rule: str
    pattern: re.Pattern[str]


def _rules(table: tuple[tuple[str, str, str], ...]) -> tuple[_Rule, ...]:
    return tuple(_Rule(name, rule, re.compile(pattern)) for name, rule, pattern in table)


# Tried in order on the lower-cased prompt (the last user message).
_TASK_RULES = _rules(
    (
        (
            "convert",
            "names a data format to turn into",
            r"\b(?:in)?to (?:json|yaml|xml|csv)\b|\b(?:as|need|want) (?:json|yaml|xml|csv)\b|\bconvert \w+ to\b",
        ),
        (
            "restore_punctuation",
            "asks for punctuation or case",
            r"\bpunctuat|\bcapital(?:s|i[sz]e| letters)|\bwrite (?:it|this|that) (?:correctly|properly|out)\b",
        ),
        (
            "action_items",
            "asks for tasks in notes",
            r"\baction (?:items?|points?)|\bto-?do(?:s|\b)|\b(?:extract|list|into|find) (?:the |all )?tasks"
            r"|\bwho (?:has to|must|needs to|should|will) do",
        ),
        (
            "classification",
            "asks for a label",
            r"\bclassif|\blabel|\bcategor(?:y|ies|i[sz]e)|\bsentiment|\btrue or false|\boptions:|\byes or no\b"
            r"|\bpositive,? (?:or |, )?negative|\bwhich (?:department|topic|type|team|tone)\b|\btone\?"
            r"|\bmark the \w+ with",
        ),
        (
            "summarisation",
            "asks for a summary",
            r"\bsummar|\btl;?dr|\bin (?:one|a|two) (?:short )?sentences?|\bmain (?:point|idea)|\bthe gist\b"
            r"|\bsum (?:it|this) up",
        ),
        (
            "rewrite",
            "asks to say a text differently",
            r"\bre-?(?:write|phrase|word)|\bparaphras|\btranslat|\bproofread|\bcorrect the (?:grammar|spelling)"
            r"|\bmore (?:polite|kind|friendly|formal|casual|concise)|\bpolite(?:ly|r)?\b"
            r"|\b(?:make|cut|keep|say) (?:it|this|that|the \w+) (?:\w+ )?(?:short|brief|nice|friendl|kind|to one)"
            r"|\bshorten",
        ),
        (
            "extraction",
            "asks for pieces of a text",
            r"\bextract|\bpick out|\bfind (?:all|every|the) |\b(?:list|give(?: me)?|copy|show) (?:the |all )?"
            r"(?:names?|cit(?:y|ies)|towns?|orders?|numbers?|dates?|emails?)\b"
            r"|\bwhich (?:town|city|order number|name|date) (?:is|are)\b",
        ),
        (
            "brainstorming",
            "asks for several ideas",
            r"\bbrainstorm|\bideas?\b|\bsuggest|\bcome up with|\b(?:give me|list|name|think of) (?:\d+|two|three"
            r"|four|five|ten)\b"
            r"|^(?:\w+[.,!:] )*(?:\d+|two|three|four|five) \w+ for\b|\bnames? for (?:a|our|my)\b",
        ),
        (
            "generation",
            "asks for a text",
            r"\b(?:write|draft|compose|create|generate|produce|prepare)\b|\b(?:poem|story|essay|slogan|e-?mail"
            r"|letter) (?:about|for|to|of)\b"
            r"|\bone line for\b|\bmessage (?:that|of|for|to) ",
        ),
        (
            "other",
            "asks to sort, count or compute",
            r"\balphabetical|\bsort\b|\bcount\b|\bhow many (?:words|letters)|\bcalculate|\bsmall letters"
            r"|\b(?:upper|lower)[ -]?case|\bin the list|\bon the list",
        ),
    )
)
_GIVEN = re.compile(
    r"\b(?:passage|context|paragraph|article|according to|based on|given the|from this|on this|in this|the card"
    r"|read this)\b"
)
_QUESTION = re.compile(r"\?|^(?:\W*\w+[.,!:] )*(?:what|how|which|who|whom|where|when|why|is|are|can|do|does|did)\b")
_FIELDS = re.compile(r"\n.*[:|]|[:|].*\n| \| ")

_SCENARIO_RULES = _rules(
    (
        (
            "adversarial",
            "tries to override instructions, insults, or asks for harm",
            r"\b(?:ignore|forget|disregard) (?:all|the|your|any|previous|these)\b|\bdo not do the task|\bstop the task"
            r"|\b(?:system|admin|note to the bot|new rule|important): |\bjailbreak|\bdeveloper mode"
            r"|\bprint [a-z]+ instead"
            r"|\b(?:idiots?|stupid|clowns?|fools|useless|hopeless|ridiculous|disgrace|shut up|damn|stinks)\b"
            r"|\b(?:steal|stolen|hack|bomb|weapon|kill|fake|someone else's)\b",
        ),
        (
            "persona",
            "asks for a role or voice",
            r"\b(?:pretend|act as|act like|role-?play|in the (?:voice|style) of|imagine you are)\b"
            r"|\b(?:talk|speak|reply|answer|sound|write) (?:like|as) an? \w+|\byou are an? (?!assistant)\w+",
        ),
    )
)
_ASKS_BACK = re.compile(r"\b(?:which|what|who|could you|do you|please tell|can you)\b[^.?!]*\?\s*$|please tell me")
_DENIES = re.compile(
    r"^(?:\W|sorry|actually|i am afraid|i'm afraid)*(?:no\b|not\b|it does not|it is not|that is (?:not|wrong)"
    r"|there is no)"
    r"|\bis not (?:in|on) (?:the|this) list|\bthe card says|\bthat is wrong|\bnot quite|\bfalse premise"
)
_UNKNOWN = re.compile(
    r"\bi (?:do not|don't|cannot|can't) (?:know|tell|say)|\bnot (?:given|on the card|mentioned|stated)"
    r"|\bdoes not (?:say|mention)"
    r"|\bunanswerable\b|\b(?:n/a|none)\b"
)
_LIMIT = re.compile(
    r"\bat most\b|\bat least\b|\bexactly\b|\bonly one\b|\bunless\b|\bone (?:idea|line|word)\b|\bwhere there is none"
)
_TWO_REQUESTS = re.compile(
    r"\?[^?]*\?|\?\s+(?:please|also|and)\b|\b(?:also|and then|as well),? (?:please |can |could |tell |give )"
)
_TWO_CONSTRAINTS = re.compile(r"\b(?:then|and|with|sign|without|but|first|finally|each|both)\b")
_NOISE = re.compile(
    r"\b(?:wat|pls|plz|thx|ur|teh|recieve|dont|cant|im|wich|waht|adn)\b|([b-df-hj-km-np-rt-z])\1\1"
    r"|[a-z][A-Z][a-z]|!{2,}|\?{2,}| ,|\s{3,}\S"
)


def task_of(record: Record) -> Guess:
    """Return the guessed task of a record, one of `TASKS`."""
    if isinstance(record, Document):
        return Guess("other", "a document asks for nothing")
    users = [message.content for message in record.messages if message.role == "user"]
    prompt = _ends(users[-1] if users else "").lower()
    for name, rule, pattern in _TASK_RULES:
        if pattern.search(prompt):
            return Guess(name, rule)
    if len(users) > 1:
        return Guess("chat", "several turns, none of the tasks above")
    if _QUESTION.search(prompt):
        if len(prompt) > _PASTED or _GIVEN.search(prompt) or _FIELDS.search(prompt):
            return Guess("closed_qa", "a question with a text that it is about")
        return Guess("open_qa", "a question by itself")
    return Guess("other", "none of the rules fits")


def scenario_of(record: Record, answer: str) -> Guess:
    """Return the guessed scenario of a record and its answer, one of `SCENARIOS` without "synonymous".

    Whether a wording is a synonym of another cannot be seen in one row.
    """
    if isinstance(record, Document):
        return Guess("plain", "a document has no scenario")
    users = [message.content for message in record.messages if message.role == "user"]
    raw = _ends("\n".join(users))
    prompt, reply = raw.lower(), answer[:_LENGTH_READ].lower()
    for name, rule, pattern in _SCENARIO_RULES:
        system = record.messages[0].content[:_LENGTH_READ].lower() if record.messages[0].role == "system" else ""
        if pattern.search(prompt) or (name == "persona" and pattern.search(system)):
            return Guess(name, rule)
    return _of_answer(prompt, reply) or _of_prompt(raw, prompt, len(users))


def _of_answer(prompt: str, reply: str) -> Guess | None:
    if reply and len(reply) < 200 and _ASKS_BACK.search(reply) and len(prompt) < 300:
        return Guess("ambiguous", "the answer asks back")
    if _DENIES.search(reply) and "?" in prompt:
        return Guess("negative", "the answer denies what the question takes for granted")
    if _UNKNOWN.search(reply):
        return Guess("edge", "the answer says that it is not known")
    return None


def _of_prompt(raw: str, prompt: str, users: int) -> Guess:
    if users > 1:
        return Guess("contextual", "several turns")
    if _NOISE.search(raw) or (len(prompt) > 20 and raw == prompt and not prompt.rstrip().endswith((".", "?", "!"))):
        return Guess("noisy", "marks of careless typing")
    if _LIMIT.search(prompt) or len(prompt.split()) <= 2:
        return Guess("edge", "a limit, or almost nothing is said")
    if _TWO_REQUESTS.search(prompt):
        return Guess("interleaved", "two requests in one message")
    if len(prompt.split()) >= _LONG or len(_TWO_CONSTRAINTS.findall(prompt)) >= 4:
        return Guess("complex", "a long prompt or many conditions")
    return Guess("plain", "none of the rules fits")


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _LENGTH_READ else text[:_LENGTH_READ] + "\n" + text[-_LENGTH_READ:]
