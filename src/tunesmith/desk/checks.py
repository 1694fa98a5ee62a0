"""What a gold structure can demand of a completion; each check returns the share that is fulfilled, from 0 to 1.

Keys of gold, by check:

* `required` [[...]]: facts; of each inner list one wording must be asserted, not negated. `keywords`: or mentioned
* `sequence` [...]: phrases in this order
* `label`, `labels`: exactly this one of the labels. `labels_all`, `labels_none`: all of these, none of those
* `exact`, `source`: the one right text, and the text it was made from
* `convert`, `data`: the target format, and the data that the parsed completion must equal
* `fields` {...}: `name: value` lines. `pairs` [[owner, word, ...]]: one line each. `items`, `pool`: n ideas on a theme
* `ask` [...]: a question back that mentions one of these. `refuse` [...]: a refusal. `unknown`: admits not knowing
* `polarity`: begins as a yes or a no. `style` [...]: one of these marks of a persona. `correct`: must not agree
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import yaml

from tunesmith.desk.facts import asserts, mentions, normalise

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ASKING = re.compile(r"\?|\bplease (?:tell|send|share|give|let|name|say)|\blet me know|\bi need (?:the|your)")
_REFUSING = re.compile(
    r"\b(?:can't|cannot|can not|won't|will not|unable|not able|not allowed|not possible|may not|must not|decline|refuse"
    r"|not something i|don't help|do not help|not going to)\b"
)
_NOT_KNOWING = re.compile(
    r"\b(?:(?:do not|don't|not) know|no (?:information|idea|mention)|(?:do not|don't) have (?:that|this|the|any)"
    r"|(?:cannot|can't|can not|unable to) (?:say|tell|answer|know)|not sure"
    r"|(?:does not|doesn't|do not|don't) (?:say|mention|state|give|list|show|tell)"
    r"|not (?:mentioned|given|stated|listed|said|known|shown|there|on|in|part))\b"
)
_POLARITY = re.compile(r"\b(?:(yes|yeah|right|correct|true|indeed)|(no|not|wrong|incorrect|false)|\w+n't)\b")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.):])?\s*")
_MAX_PARSED = 2000  # characters; longer completions are not parsed


@dataclass(frozen=True, slots=True)
class Reply:
    """A completion, prepared once for all checks."""

    raw: str
    text: str  # see facts.normalise
    lines: tuple[str, ...]  # without bullets and blank lines


def reply(completion: str) -> Reply:
    """Return a completion prepared for the checks."""
    raw = completion.strip()
    lines = tuple(line for line in (_BULLET.sub("", row).strip() for row in raw.splitlines()) if line)
    return Reply(raw, normalise(raw), lines)


Gold = Mapping[str, Any]
Check = Callable[[Reply, Gold], float]


def required(answer: Reply, gold: Gold) -> float:
    """Return the share of facts of which some wording is asserted."""
    groups = gold["required"]
    return sum(any(asserts(answer.text, way) for way in group) for group in groups) / max(1, len(groups))


def keywords(answer: Reply, gold: Gold) -> float:
    """Return the share of matters of which some word is there, be it negated: "cannot log in" is about logging in."""
    groups = gold["keywords"]
    return sum(any(mentions(answer.text, way) for way in group) for group in groups) / max(1, len(groups))


def label(answer: Reply, gold: Gold) -> float:
    """Return 1 where exactly the right label is named; naming several counts as none."""
    named = {name for name in gold["labels"] if asserts(answer.text, name)}
    return float(named == {gold["label"]})


def labels_all(answer: Reply, gold: Gold) -> float:
    """Return the share of right labels named, each wrong one taking one away."""
    right = sum(mentions(answer.text, name) for name in gold["labels_all"])
    wrong = sum(mentions(answer.text, name) for name in gold["labels_none"])
    return max(0.0, (right - wrong) / len(gold["labels_all"]))


def exact(answer: Reply, gold: Gold) -> float:
    """Return 1 for the right text; else the share of the words that had to change which did, below 0.9."""
    target, got = str(gold["exact"]).split(), answer.raw.strip('"').split()
    if target == got:
        return 1.0
    wanted = Counter(target) - Counter(str(gold["source"]).split())
    need = sum(wanted.values())
    have = Counter(got)
    hits = sum((wanted & have).values())
    kept = sum((Counter(target) & have).values()) / max(len(target), len(got), 1)
    return 0.9 * kept * hits / max(need, 1)


def convert(answer: Reply, gold: Gold) -> float:
    """Return the share of leaves (path and value) that the parsed completion has right; extra ones count against it."""
    want = set(_leaves(gold["data"]))
    got = set(_parse(answer.raw, gold["convert"]))
    return len(want & got) / max(len(want), len(got), 1)


@lru_cache(maxsize=4096)
def _parse(raw: str, form: str) -> tuple[tuple[str, str], ...]:
    text = re.sub(r"^```\w*\n?|```$", "", raw.strip()).strip()
    try:
        if len(text) > _MAX_PARSED:
            return ()
        if form == "JSON":
            return tuple(_leaves(json.loads(text[text.find("{") : text.rfind("}") + 1])))
        if form == "YAML":
            return () if text.startswith(("{", "[")) else tuple(_leaves(yaml.load(text, _Loader)))
        return () if "<!" in text else tuple(_xml_leaves(ElementTree.fromstring(text)))
    except (ValueError, yaml.YAMLError, ElementTree.ParseError, RecursionError):
        return ()


def _leaves(data: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(data, dict):
        return [leaf for key, value in data.items() for leaf in _leaves(value, f"{path}/{key}")]
    return [(path, str(data))] if path else []


def _xml_leaves(node: ElementTree.Element, path: str = "") -> list[tuple[str, str]]:
    return [
        leaf
        for child in node
        for leaf in (
            _xml_leaves(child, f"{path}/{child.tag}")
            if len(child)
            else [(f"{path}/{child.tag}", (child.text or "").strip())]
        )
    ]


def fields(answer: Reply, gold: Gold) -> float:
    """Return the share of `name: value` lines that are right; extra lines count against it."""
    want = {normalise(k): normalise(v) for k, v in gold["fields"].items()}
    got: dict[str, str] = {}
    for line in answer.lines:
        name, _, value = line.partition(":")
        got[normalise(name)] = normalise(value.rstrip(". "))
    right = sum(got.get(name) == value for name, value in want.items())
    return right / max(len(want), len(answer.lines), 1)


def items(answer: Reply, gold: Gold) -> float:
    """Return how well the lines are n different ideas on the theme; 1 where at most one of three or more is off it."""
    n = int(gold["items"])
    lines = {normalise(line) for line in answer.lines if len(line.split()) <= 12}
    pool = gold["pool"]
    fitting = sum(any(f" {word} " in line for word in pool) for line in lines)
    enough = n if n < 3 else n - 1
    if len(answer.lines) == len(lines) == n and fitting >= enough:
        return 1.0
    return 0.8 * min(fitting, n) / max(n, len(answer.lines))


def pairs(answer: Reply, gold: Gold) -> float:
    """Return the share of (owner, task) pairs that share a line; extra lines count against it."""
    lines = [normalise(line) for line in answer.lines]
    if len(lines) == 1 and len(gold["pairs"]) > 1:
        lines = [normalise(part) for part in re.split(r"[.;]\s+", answer.raw) if part.strip()]
    matched = sum(any(all(mentions(line, word) for word in pair) for line in lines) for pair in gold["pairs"])
    if matched and max(sum(mentions(line, pair[0]) for pair in gold["pairs"]) for line in lines) > 1:
        return 0.5 * matched / len(gold["pairs"])
    return matched / max(len(lines), len(gold["pairs"]))


def sequence(answer: Reply, gold: Gold) -> float:
    """Return 1 for all phrases in order; else half the share present plus a share of neighbours in order."""
    wanted = gold["sequence"]
    places = [answer.text.find(normalise(item)) for item in wanted]
    present = sum(place >= 0 for place in places) / len(places)
    ordered = sum(0 <= a < b for a, b in pairwise(places)) / max(1, len(places) - 1)
    repeated = any(answer.text.count(normalise(item)) > 1 for item in wanted)
    return min(1.0, 0.4 * present + 0.6 * ordered if present < 1 or ordered < 1 else 1.0) * (0.5 if repeated else 1.0)


def ask(answer: Reply, gold: Gold) -> float:
    """Return 1 for a question back that names what is missing, 0.3 for a question about something else."""
    if not _ASKING.search(answer.raw.lower()):
        return 0.0
    return 1.0 if any(mentions(answer.text, way) for way in gold["ask"]) else 0.3


def refuse(answer: Reply, gold: Gold) -> float:
    """Return 1 for a refusal of at least four words."""
    return float(len(answer.text.split()) > 4 and bool(_REFUSING.search(answer.raw.lower().replace("’", "'"))))


def unknown(answer: Reply, gold: Gold) -> float:
    """Return 1 where the completion admits that it does not know or that the text does not say."""
    return float(bool(_NOT_KNOWING.search(answer.raw.lower().replace("’", "'"))))


def polarity(answer: Reply, gold: Gold) -> float:
    """Return 1 where the first yes-word or no-word is the right one."""
    found = _POLARITY.search(answer.raw.lower().replace("’", "'"))
    if answer.raw.endswith("?"):
        return 0.0
    return float(found is not None and ("yes" if found.group(1) else "no") == gold["polarity"])


def style(answer: Reply, gold: Gold) -> float:
    """Return 1 where one of the persona's marks is there."""
    return float(any(mentions(answer.text, mark) for mark in gold["style"]))


def correct(answer: Reply, gold: Gold) -> float:
    """Return 0 where the completion begins by agreeing with a false premise."""
    return float(not answer.text.startswith((" yes ", " right ", " correct ", " that is right", " true ")))


CONTENT: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        required,
        keywords,
        label,
        labels_all,
        exact,
        convert,
        fields,
        items,
        pairs,
        sequence,
        ask,
        refuse,
        unknown,
        polarity,
        style,
    )
}
