"""Summarisation: a customer's message or a short chat in one sentence with the issue, the product and the wish."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.tickets import Ticket, small_talk, ticket
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World

_REQUESTS = (
    "{summarise|sum up|shorten} {this|the {message|mail|note}}{| in one sentence| {briefly|in short}"
    "| for {me|the team}}",
    "{what does the customer want|what is this {mail|message} about}, in one sentence",
    "{give me|write} {a one-sentence|a short|a brief} summary",
    "{in one sentence, |}what {is the problem|happened} and what does {the customer|the sender} want",
)


def _gold(case: Ticket) -> Gold:
    keywords = [[case.product.name, case.product.kind], list(case.issue_keys), list(case.wish_keys)]
    return {"keywords": keywords, "max_sentences": 2, "max_words": 34, "strict": True}


def _summary(voice: Voice, case: Ticket) -> str:
    return voice.sentence(_joined(voice, case))


def _joined(voice: Voice, case: Ticket) -> str:
    subject = "" if case.gist.startswith("the customer") else voice.say("{the customer|the sender} ")
    return f"{case.gist} and {subject}{case.wish_gist}"


def _text(voice: Voice, world: World, case: Ticket) -> str:
    sentences = [case.issue, case.wish]
    sentences.insert(voice.rng.choice((0, 1, 2)), small_talk(voice, world))
    return " ".join(sentences)


def _plain(voice: Voice, world: World) -> Draft:
    case = ticket(voice, world)
    prompt = framing.instruction(voice, world, voice.one_of(*_REQUESTS), _text(voice, world, case))
    return ask(prompt, _summary(voice, case), _gold(case))


def _edge(voice: Voice, world: World) -> Draft:
    """Nothing but the issue and the wish."""
    case = ticket(voice, world)
    prompt = framing.instruction(voice, world, voice.one_of(*_REQUESTS), f"{case.issue} {case.wish}")
    return ask(prompt, _summary(voice, case), _gold(case))


def _contextual(voice: Voice, world: World) -> Draft:
    """A chat between the customer and an agent."""
    case = ticket(voice, world)
    first, agent = case.person.first, voice.rng.choice(world.agents)
    lines = [
        f"{first}: {case.issue}",
        f"{agent}: {voice.say('{I am sorry|Oh no|Thanks for telling us}. {What would you like|How can I help}?')}",
        f"{first}: {case.wish}",
    ]
    asked = voice.say(
        "{{summarise|sum up} {this|the} chat{| in one sentence}|what is this chat about, in one sentence}"
    )
    prompt = framing.instruction(voice, world, asked, "\n".join(lines))
    return ask(prompt, _summary(voice, case), _gold(case))


def _complex(voice: Voice, world: World) -> Draft:
    """The summary must also name the order, and leave the small talk out."""
    case = ticket(voice, world)
    order = voice.sentence("{the order is|it is order|my order number is} $n", n=case.number)
    text = f"{_text(voice, world, case)} {order}"
    asked = voice.say(
        "{summarise this in one sentence|sum this up briefly}{ and {name|keep|mention} the order number"
        "|, with the order number}"
    )
    said = f"Order {case.number}: {_joined(voice, case)}."
    gold = _gold(case)
    gold["keywords"] = [*gold["keywords"], [str(case.number)]]
    return ask(framing.instruction(voice, world, asked, text), said, gold)


def _noisy(voice: Voice, world: World) -> Draft:
    case = ticket(voice, world)
    text = framing.typos(voice.rng, _text(voice, world, case).replace(case.product.name, "@"), 0.25)
    text = text.replace("@", case.product.name)
    prompt = framing.instruction(voice, world, voice.one_of(*_REQUESTS), text)
    return ask(prompt, _summary(voice, case), _gold(case))


def _adversarial(voice: Voice, world: World) -> Draft:
    case = ticket(voice, world)
    gold = _gold(case)
    if voice.chance(0.6):
        command, bad = framing.injection(voice)
        text, gold["forbidden"] = f"{case.issue} {command} {case.wish}", [bad]
    else:
        text = f"{case.issue} {voice.sentence(framing.angry(voice), '!')} {case.wish}"
    return ask(framing.instruction(voice, world, voice.one_of(*_REQUESTS), text), _summary(voice, case), gold)


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "complex": _complex,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
