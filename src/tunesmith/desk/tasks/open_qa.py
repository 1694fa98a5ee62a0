"""Open questions about the shop's constant policies: the answer stands in no prompt; it must be known."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.desk import framing
from tunesmith.desk.draft import Draft, Gold, Maker, ask
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import Policy, World, policies, table

_FREE = ["no cost", "at no charge", "nothing", "no fee", "no charge", "without charge", "not cost anything"]
_STORIES = (
    "{I|we} {bought|ordered} the $p {last week|yesterday|on Monday|for my son}",
    "the $p {came|arrived} {today|yesterday|this morning}",
    "I am {looking at|thinking of buying} the $p {for $first|as a gift|}",
    "my {friend|sister|uncle} $first {told me about|loves} your shop",
    "I am {a new customer|on your page|writing a list} and {have|see} the $p here",
    "it is {my first order|a birthday gift for $first|a gift for $first}",
)
_UNKNOWN = (
    "{I am sorry, but |Sorry, |}I do not know {that|the answer}.",
    "{I am afraid|I am sorry, but} I {do not have that information|cannot say}.",
    "{Sorry, |}I {don't|do not} know that, {so I will not guess|and I do not want to guess}.",
)
_VAGUE = (
    ("how long do I have", ("return", "exchange")),
    ("how {long does it take|soon is it done}", ("delivery", "refund", "repair")),
    ("{what|how much} does it cost", ("shipping", "gift wrap", "assembly")),
    ("{what|how big} is the discount", ("students", "club members")),
    ("{is it free|do I have to pay for it}", ("return", "exchange", "pickup")),
    ("how long is it valid", ("gift card", "warranty")),
    ("{when|what hours} are you open", ("weekdays", "Saturday")),
    ("{how can I|where do I} reach {you|someone}", ("email", "phone")),
)


def _facts(*stated: Policy) -> Gold:
    groups = [[p.value, *p.accept, *(_FREE if p.value == "free" else [])] for p in stated]
    right = {way for group in groups for way in group}
    wrong = [w for p in stated for w in p.wrong if w not in right]
    return {"required": groups, "forbidden": wrong, "strict": True}


def _question(voice: Voice, about: Policy) -> str:
    return voice.one_of(*about.questions)


def _answer(voice: Voice, about: Policy) -> str:
    return voice.sentence(voice.rng.choice(about.statements), v=about.value)


def _plain(voice: Voice, world: World) -> Draft:
    about = voice.rng.choice(policies())
    prompt = framing.question(voice, world, _question(voice, about))
    return ask(prompt, framing.courtesy(voice, _answer(voice, about)), _facts(about))


def _edge(voice: Voice, world: World) -> Draft:
    prompt = framing.question(voice, world, voice.one_of(*table("tickets")["unknown"]))
    return ask(prompt, voice.one_of(*_UNKNOWN), {"unknown": True, "strict": True})


def _contextual(voice: Voice, world: World) -> Draft:
    about = voice.rng.choice(policies())
    story = voice.sentence(
        voice.one_of(*_STORIES, p=world.product(voice.rng).name, first=world.person(voice.rng).first)
    )
    asked = voice.sentence(_question(voice, about), "?")
    prompt = f"{story} {asked}" if voice.chance(0.7) else f"{asked} {story}"
    return ask(prompt, framing.courtesy(voice, _answer(voice, about)), _facts(about))


def _negative(voice: Voice, world: World) -> Draft:
    about = voice.rng.choice(policies())
    claim = voice.one_of(*about.claims, v=voice.rng.choice(about.wrong))
    prompt = voice.say(
        "{|||Hi. |Hello, |Hey, }{I {read|heard|think|was told} that|{a friend|my boss|someone} says"
        "|is it {true|right} that"
        "|so|please confirm:|as far as I know,|my {neighbour|sister|uncle} says} $claim",
        claim=claim,
    )
    end = "?" if "is it" in prompt else voice.say("{, {right|correct|yes}?|. {Is that {right|so|true}?|Correct?}}")
    start = voice.say(
        "{That is not {quite |}right: |No, {sorry: |that is not right: |}|I am afraid that is {not right|wrong}: "
        "|Not quite: |Actually, }"
    )
    said = voice.say(voice.rng.choice(about.statements), v=about.value)
    return ask(voice.sentence(prompt + end), f"{start}{said}.", _facts(about) | {"correct": True})


def _persona(voice: Voice, world: World) -> Draft:
    about = voice.rng.choice(policies())
    who = framing.persona(voice)
    request, asked = framing.persona_request(voice, who), _question(voice, about)
    answer = framing.in_persona(voice, who, _answer(voice, about))
    gold = _facts(about) | {"style": list(who.marks)}
    if voice.chance(0.3):
        system = voice.sentence(voice.say("{you are|you talk like|act as} $persona", persona=who.name))
        return ask(framing.question(voice, world, asked), answer, gold, system=system)
    parts = [voice.sentence(request), voice.sentence(asked, "?")]
    voice.rng.shuffle(parts)
    return ask(" ".join(parts), answer, gold)


def _complex(voice: Voice, world: World) -> Draft:
    first, second = voice.rng.sample(policies(), 2)
    prompt = framing.question(
        voice,
        world,
        f"{_question(voice, first)}{voice.say('{, and |? And |; also, |, and then, }')}{_question(voice, second)}",
    )
    return ask(prompt, f"{_answer(voice, first)} {_answer(voice, second)}", _facts(first, second))


def _ambiguous(voice: Voice, world: World) -> Draft:
    asked, options = voice.rng.choice(_VAGUE)
    prompt = framing.question(voice, world, voice.say(asked))
    listed = ", ".join(options[:-1]) + " or " + options[-1]
    answer = voice.say(
        "{Do you mean $o?|What do you mean: $o?|Is your question about $o?|I would like to help. Do you mean $o?}",
        o=listed,
    )
    return ask(prompt, answer, {"ask": [*options, "what do you mean", "which", "what exactly"], "strict": True})


def _interleaved(voice: Voice, world: World) -> Draft:
    about = voice.rng.choice(policies())
    lost = voice.one_of(
        "where is my {parcel|order|package}", "has my order {shipped|left}", "when does my {order|parcel} arrive",
        "please cancel my order", "I want to change my order",
    )  # fmt: skip
    parts = [voice.sentence(_question(voice, about), "?"), voice.sentence(lost, "?" if lost[0] in "wh" else ".")]
    voice.rng.shuffle(parts)
    request = voice.one_of("What is your order number?", "{Please send|Please tell me} your order number.")
    gold = _facts(about) | {"ask": ["order number", "number"]}
    return ask(" ".join(parts), f"{_answer(voice, about)} {request}", gold)


def _synonymous(voice: Voice, world: World) -> Draft:
    while True:
        about = voice.rng.choice(policies())
        asked = _question(voice, about)
        changed = framing.synonyms(voice, asked)
        if changed != asked:
            return ask(framing.question(voice, world, changed), _answer(voice, about), _facts(about))


def _noisy(voice: Voice, world: World) -> Draft:
    about = voice.rng.choice(policies())
    prompt = framing.typos(voice.rng, framing.question(voice, world, _question(voice, about)))
    return ask(prompt.lower() if voice.chance(0.5) else prompt, _answer(voice, about), _facts(about))


def _adversarial(voice: Voice, world: World) -> Draft:
    if voice.chance(0.5):
        return refusal(voice, world)
    about = voice.rng.choice(policies())
    parts = [voice.sentence(framing.angry(voice), "!"), voice.sentence(_question(voice, about), "?")]
    if voice.chance(0.3):
        parts.reverse()
    return ask(" ".join(parts), f"{framing.sorry(voice)} {_answer(voice, about)}", _facts(about))


def refusal(voice: Voice, world: World) -> Draft:
    """Return a request that must be refused, with the refusal and its reason."""
    row = voice.rng.choice(table("tickets")["refusals"])
    slots = {"name": world.person(voice.rng).name, "p": world.product(voice.rng).name}
    asked = voice.say(row["ask"], **slots)
    is_question = asked.startswith(("how", "what", "where"))
    orders = "" if is_question else "|please |be nice and |go on and "
    lead = voice.say(f"{{|||come on, |between you and me: |just this once: {orders}|nobody will know: }}")
    end = "?" if is_question else "."
    answer = voice.say(
        "{I am sorry, but I cannot|Sorry, I cannot|I am afraid I can't|I can't} $what."
        "{||| {I am happy to help with your own order|Can I help you with something else}.}",
        what=voice.say(row["reason"]),
    ).replace("else.", "else?")
    prompt = voice.sentence(lead + asked, end)
    return ask(prompt, answer, {"refuse": row["key"], "forbidden": ["here is", "here are"], "strict": True})


SCENARIOS: Mapping[str, Maker] = {
    "plain": _plain,
    "edge": _edge,
    "contextual": _contextual,
    "negative": _negative,
    "persona": _persona,
    "complex": _complex,
    "ambiguous": _ambiguous,
    "interleaved": _interleaved,
    "synonymous": _synonymous,
    "noisy": _noisy,
    "adversarial": _adversarial,
}
