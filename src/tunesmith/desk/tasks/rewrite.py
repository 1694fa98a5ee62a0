"""Rewriting: make a rude sentence polite, correct typing errors, change the register, keep the facts."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.tickets import ticket
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World, table

_POLITELY = (
    "{rewrite|rephrase|reword} {this|it} {politely|in a polite way|in friendly words}",
    "make {this|the message} {more |}{polite|friendly|kind}",
    "{how would you say|say} this {politely|in a nicer way}",
    "{soften|calm} {this|the tone}",
)
_CORRECT = (
    "{correct|fix} the {typing errors|spelling|typos}",
    "{write|copy} {this|it} without {typing errors|typos}",
    "{clean up|repair} the spelling",
    "there are typos {here|in this}; {correct|fix} them",
)
_POLITE_MARKS = ["please", "could you", "would you", "would like", "kindly", "thank you", "may i"]


def _polite(voice: Voice, world: World, *, extra: str = "") -> tuple[str, str, Gold, str]:
    row = voice.rng.choice(table("tickets")["rude"])
    product, number = world.product(voice.rng).name, world.number(voice.rng)
    rude = voice.sentence(row["rude"], "!", p=product)
    answer = voice.say(row["polite"], p=product)
    required = [[product]]
    if extra == "order":
        rude = f"{rude} {voice.sentence('{it is |}order $n', '!', n=number)}"
        answer, required = f"{answer} It is order {number}.", [*required, [str(number)]]
    gold: Gold = {"required": required, "keywords": [_POLITE_MARKS, row["key"]], "max_words": 30, "strict": True}
    return rude, answer, gold, product


def _plain(voice: Voice, world: World) -> Draft:
    rude, answer, gold, _ = _polite(voice, world)
    return ask(framing.instruction(voice, world, voice.one_of(*_POLITELY), rude), answer, gold)


def _contextual(voice: Voice, world: World) -> Draft:
    rude, answer, gold, _ = _polite(voice, world)
    who = voice.say(
        "{I am angry, but|before I send it:|my boss reads this, so|I want to stay calm:|it goes to the shop, so}"
    )
    return ask(framing.instruction(voice, world, f"{who} {voice.one_of(*_POLITELY)}", rude), answer, gold)


def _complex(voice: Voice, world: World) -> Draft:
    rude, answer, gold, _ = _polite(voice, world, extra="order")
    keep = voice.say("{ and keep the {order number|number}|, {with|including} the order number}")
    return ask(framing.instruction(voice, world, voice.one_of(*_POLITELY) + keep, rude), answer, gold)


def _edge(voice: Voice, world: World) -> Draft:
    """The text is already polite: it may stay as it is."""
    row = voice.rng.choice(table("tickets")["rude"])
    product = world.product(voice.rng).name
    polite = voice.say(row["polite"], p=product)
    asked = voice.one_of(*_POLITELY) + voice.say("{, unless it {is|is already} polite| if {needed|necessary}}")
    gold: Gold = {"required": [[product]], "keywords": [_POLITE_MARKS, row["key"]], "max_words": 20, "strict": True}
    return ask(framing.instruction(voice, world, asked, polite), polite, gold | {"may_copy": True})


def _noisy(voice: Voice, world: World) -> Draft:
    """Correct the typing errors: one right answer."""
    right = ticket(voice, world).issue
    wrong = framing.typos(voice.rng, right, 0.35)
    return ask(
        framing.instruction(voice, world, voice.one_of(*_CORRECT), wrong), right, {"exact": right, "source": wrong}
    )


def _persona(voice: Voice, world: World) -> Draft:
    case = ticket(voice, world)
    who = framing.persona(voice)
    asked = voice.say("{rewrite|reword|say} this {like|in the voice of|as if you were} $w", w=who.name)
    gold: Gold = {
        "keywords": [[case.product.name], list(case.issue_keys)],
        "style": list(who.marks),
        "max_words": 30,
        "strict": True,
    }
    answer = f"{voice.say(who.opening)} {case.issue}"
    return ask(framing.instruction(voice, world, asked, case.issue), answer, gold | {"may_copy": True})


def _adversarial(voice: Voice, world: World) -> Draft:
    rude, answer, gold, _ = _polite(voice, world)
    command, bad = framing.injection(voice)
    gold["forbidden"] = [bad]
    return ask(framing.instruction(voice, world, voice.one_of(*_POLITELY), f"{rude} {command}"), answer, gold)


def _synonymous(voice: Voice, world: World) -> Draft:
    """Shorten a long-winded message to its point."""
    case = ticket(voice, world)
    long = voice.say(
        "{To be honest with you|As I already said to my friend|After a lot of thought|Believe it or not}, $t "
        "{That is {simply|really} how it is.|I hope that is clear.|I never expected that.}",
        t=case.issue[0].lower() + case.issue[1:] if not case.issue.startswith("I ") else case.issue,
    )
    asked = voice.say(
        "{keep only the {main point|point}|make {this|it} {shorter|short}"
        "|cut {this|it} to {the point|one short sentence}|drop the filler}"
    )
    gold: Gold = {
        "keywords": [[case.product.name], list(case.issue_keys)],
        "max_words": len(case.issue.split()) + 3,
        "strict": True,
    }
    return ask(framing.instruction(voice, world, asked, long), case.issue, gold | {"may_copy": True})


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "complex": _complex,
    "persona": _persona,
    "synonymous": _synonymous,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
