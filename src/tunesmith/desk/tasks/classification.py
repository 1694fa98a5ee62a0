"""Classification: one label (or two) out of a set that the prompt names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.tickets import TOPICS, small_talk, ticket
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World, table

_SENTIMENTS = ("positive", "negative", "neutral")
_WHAT = {
    "sentiment": "{sentiment|mood|tone}",
    "topic": "{topic|subject|department|category}",
    "kind": "{kind of message|type of message|message type}",
}
_KINDS = ("question", "complaint", "praise")


class _Labelled(NamedTuple):
    what: str
    text: str
    label: str
    labels: tuple[str, ...]


def _labelled(voice: Voice, world: World) -> _Labelled:
    which = voice.rng.choice(("sentiment", "sentiment", "topic", "topic", "kind"))
    if which == "sentiment":
        label = voice.rng.choice(_SENTIMENTS)
        return _Labelled(which, _feeling(voice, world, label), label, _SENTIMENTS)
    if which == "topic":
        case = ticket(voice, world)
        others = voice.rng.sample([t for t in TOPICS if t != case.topic], voice.rng.choice((1, 2, 3)))
        return _Labelled(which, case.issue, case.topic, (case.topic, *others))
    label = voice.rng.choice(_KINDS)
    if label == "question":
        product = world.product(voice.rng).name
        text = voice.sentence(
            "{is the $p {waterproof|still sold|easy to clean}|{do you have|can I see} the $p {in another colour"
            "|in the store}"
            "|when {will|does} the $p come back|how do I {use|wash|store} the $p}",
            "?",
            p=product,
        )
    else:
        text = _feeling(voice, world, "positive" if label == "praise" else "negative")
    return _Labelled(which, text, label, _KINDS)


def _feeling(voice: Voice, world: World, sentiment: str) -> str:
    name = world.product(voice.rng).name
    return voice.sentence(voice.one_of(*table("tickets")["sentiments"][sentiment], p=name))


def _request(voice: Voice, what: str, labels: Sequence[str]) -> str:
    shuffled = voice.rng.sample(list(labels), len(labels))
    listed = voice.rng.choice((", ", " / ")).join(shuffled)
    either = ", ".join(shuffled[:-1]) + " or " + shuffled[-1]
    return voice.say(
        "{{what is|name|give|tell me} the $w of this {text|message|note} ($l)|{classify|label|sort} this as $e"
        "|is this {text|message|note} $e|choose {one|a} $w for it: $l|$w? options: $l|pick {one|the best}: $l"
        "|{mark|tag} the {mail|message} with its $w, $e|which $w fits, $e}",
        w=voice.say(_WHAT[what]),
        l=listed,
        e=either,
    )


def _gold(label: str, labels: Sequence[str]) -> Gold:
    return {"label": label, "labels": list(labels)}


def _plain(voice: Voice, world: World) -> Draft:
    case = _labelled(voice, world)
    prompt = framing.instruction(voice, world, _request(voice, case.what, case.labels), case.text)
    return ask(prompt, case.label, _gold(case.label, case.labels))


def _edge(voice: Voice, world: World) -> Draft:
    """The text fits none of the labels; the request says what to answer then."""
    labels = voice.rng.sample(TOPICS, voice.rng.choice((2, 3)))
    fits = voice.chance(0.5)
    case = ticket(voice, world)
    while (case.topic in labels) != fits:
        case = ticket(voice, world)
    answer = case.topic if fits else "other"
    asked = (
        f"{_request(voice, 'topic', labels)}{voice.say('{; if none fits, {say|write} other|, or other if none fits}')}"
    )
    return ask(framing.instruction(voice, world, asked, case.issue), answer, _gold(answer, [*labels, "other"]))


def _contextual(voice: Voice, world: World) -> Draft:
    """The sentence that decides stands among small talk."""
    case = _labelled(voice, world)
    parts = [case.text, small_talk(voice, world)]
    voice.rng.shuffle(parts)
    prompt = framing.instruction(voice, world, _request(voice, case.what, case.labels), " ".join(parts))
    return ask(prompt, case.label, _gold(case.label, case.labels))


def _complex(voice: Voice, world: World) -> Draft:
    """Two labels: the topic, and whether the customer asks for a refund, a call, and so on."""
    case = ticket(voice, world)
    wishes = {
        "wants a refund": "refund",
        "wants a replacement": "replacement",
        "wants a call": "call",
        "wants a repair": "repair",
    }
    while case.wish_gist not in wishes:
        case = ticket(voice, world)
    wish = wishes[case.wish_gist]
    others = voice.rng.sample([t for t in TOPICS if t != case.topic], 1)
    rivals = voice.rng.sample([w for w in wishes.values() if w != wish], 1)
    topics, aims = voice.rng.sample([case.topic, *others], 2), voice.rng.sample([wish, *rivals], 2)
    asked = voice.say(
        "{give two labels: topic ($t) and wish ($a)|first the topic ($t), then the wish ($a)"
        "|label topic ($t) and wish ($a)}",
        t=" or ".join(topics),
        a=" or ".join(aims),
    )
    prompt = framing.instruction(voice, world, asked, f"{case.issue} {case.wish}")
    gold = {"labels_all": [case.topic, wish], "labels_none": [*others, *rivals]}
    return ask(prompt, f"{case.topic}, {wish}", gold)


def _synonymous(voice: Voice, world: World) -> Draft:
    while True:
        case = _labelled(voice, world)
        changed = framing.synonyms(voice, case.text)
        if changed != case.text:
            prompt = framing.instruction(voice, world, _request(voice, case.what, case.labels), changed)
            return ask(prompt, case.label, _gold(case.label, case.labels))


def _noisy(voice: Voice, world: World) -> Draft:
    case = _labelled(voice, world)
    text = framing.typos(voice.rng, case.text)
    prompt = framing.instruction(voice, world, _request(voice, case.what, case.labels), text)
    return ask(prompt, case.label, _gold(case.label, case.labels))


def _adversarial(voice: Voice, world: World) -> Draft:
    case = _labelled(voice, world)
    command, bad = framing.injection(voice)
    parts = [case.text, command]
    voice.rng.shuffle(parts)
    prompt = framing.instruction(voice, world, _request(voice, case.what, case.labels), " ".join(parts))
    return ask(prompt, case.label, _gold(case.label, case.labels) | {"forbidden": [bad]})


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "complex": _complex,
    "synonymous": _synonymous,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
