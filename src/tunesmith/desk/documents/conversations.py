"""Chat logs and forum threads: several exchanges, some answered well and some badly."""

from __future__ import annotations

from collections.abc import Callable

from tunesmith.desk import framing
from tunesmith.desk.documents.exchanges import MAKERS, Exchange, bad_answer, status_of
from tunesmith.desk.documents.scribe import Scribe, Written, capital, lowered, phrases

BAD_SHARE = 0.24  # of the answers in chat logs and forum threads

Say = Callable[[str, str], None]


def speakers(s: Scribe, customer: str, agent: str) -> tuple[str, str]:
    """Draw how a log names the two who speak."""
    return s.rng.choice(
        (
            ("Customer", "Agent"),
            ("Customer", "Agent"),
            (customer, agent),
            (customer, f"{agent} (Larkfield)"),
            ("C", "A"),
            ("Visitor", "Desk"),
            (f"<{customer}>", f"<{agent}>"),
            ("CUSTOMER", "AGENT"),
        )
    )


def chat_log(s: Scribe) -> Written:
    """Write a log of a customer and an agent: one to three exchanges, each with what the agent saw, if anything."""
    person, agent = s.world.person(s.rng), s.agent()
    asks, answers = speakers(s, person.first, agent)
    turn = s.rng.choice(("{}: {}", "{}: {}", "{} - {}", "[{}] {}"))
    lines = [_heading(s, person.name, agent).rstrip(", ")] if s.chance(0.6) else []
    say: Say = lambda who, text: lines.append(turn.format(who, text))  # noqa: E731
    if s.chance(0.4):
        say(answers, s.phrase("conversations.welcomes", agent=agent, name=person.first))
    bad = 0
    count = s.rng.choice((1, 2, 2, 3))
    for index in range(count):
        e = s.rng.choice(MAKERS)(s)
        bad += _exchange(s, e, (asks, answers), (lines, say), first=index == 0)
    if s.chance(0.6):
        say(asks, s.phrase("exchanges.thanks"))
        if s.chance(0.6):
            say(answers, s.phrase("conversations.closings", name=person.first))
    return Written("\n".join(line for line in lines if line), answers=count, bad=bad)


def _heading(s: Scribe, name: str, agent: str) -> str:
    return s.any_of(
        (
            "Chat {log|of} $day, {desk: $agent|agent $agent|customer $name}",
            "{Chat|Log} $n ($day)",
            "{Help desk chat|Live chat}, $day, {$hour:$minute|}",
            "--- {chat|log} with $name ---",
        ),
        day=s.world.day(s.rng),
        agent=agent,
        name=name,
        n=s.rng.randint(100, 999),
        hour=s.rng.randint(9, 19),
        minute=s.rng.randint(10, 59),
    )


def _exchange(s: Scribe, e: Exchange, who: tuple[str, str], to: tuple[list[str], Say], *, first: bool) -> bool:
    """Append an exchange to a log; return True where the answer is bad."""
    asks, answers = who
    lines, say = to
    if e.context:
        lines.append(s.rng.choice(("({})", "[{}]", "{}", "* {}")).format(e.context))
    opening = " ".join(
        filter(None, (s.phrase("conversations.greetings") if first else "", s.phrase("conversations.upset")))
    ).strip()
    question = lowered(e.question) if opening.endswith((",", ":")) else e.question
    angry = s.chance(0.06)
    if angry:
        opening = s.sentence(framing.angry(s), "!")
    elif s.chance(0.04):  # an order to the machine inside a mail, which a good answer passes over
        question = (
            f"{question} {s.phrase('conversations.injections', bad=s.rng.choice(phrases('conversations.shouts')))}"
        )
    say(asks, f"{opening} {question}".strip())
    if s.chance(BAD_SHARE):
        say(answers, bad_answer(s, e))
        return True
    say(
        answers,
        (s.phrase("conversations.soothing") if s.chance(0.1) else f"{framing.sorry(s)} " if angry else "") + e.answer,
    )
    if "order number" in e.answer.lower() and e.topic == "order":
        order = s.order()
        say(
            asks,
            s.any_of(
                ("{It is|It's|The number is|Sorry, it is} $n.", "$n{|, please|, I think}", "Order $n."), n=order.number
            ),
        )
        say(answers, s.any_of(("{Thank you|Thanks}. ", "{Found it|I see it}. ", "")) + status_of(s, order))
    return False


def nick(s: Scribe) -> str:
    """Draw a forum name such as "lucky_owl42"."""
    name: str = (
        s.rng.choice(phrases("conversations.nicks"))
        + s.rng.choice(("", "_", "-"))
        + s.rng.choice(phrases("conversations.beasts"))
    )
    return name + (str(s.rng.randint(1, 99)) if s.chance(0.6) else "")


def forum_thread(s: Scribe) -> Written:
    """Write a thread of the customers' forum: a question, two to four answers of any quality, remarks."""
    e = s.rng.choice(MAKERS)(s)
    post = s.rng.choice(("{}: {}", "{} wrote: {}", "@{} {}", "{} > {}", "#{}\n{}"))
    title = s.phrase("conversations.titles", topic=phrases("conversations.topics").get(e.topic, e.topic))
    lines = [s.rng.choice(("Thread: ", "Topic: ", "Forum / ", "")) + capital(title)]
    opening = s.phrase("conversations.upset")
    lines.append(post.format(nick(s), " ".join(filter(None, (e.context, opening.strip(), e.question)))))
    count, bad = s.rng.randint(2, 4), 0
    for _ in range(count):
        if s.chance(BAD_SHARE):
            bad += 1
            lines.append(post.format(nick(s), bad_answer(s, e)))
        else:
            lines.append(post.format(nick(s), _forum_answer(s, e)))
        if s.chance(0.25):
            lines.append(post.format(nick(s), s.phrase("conversations.agreements", month=s.rng.choice(s.world.months))))
    more = s.rng.choice(MAKERS)(s)
    if s.chance(0.5) and not more.context:
        lines += [post.format(nick(s), more.question), post.format(nick(s), _forum_answer(s, more))]
        count += 1
    return Written("\n".join(lines), answers=count, bad=bad)


def _forum_answer(s: Scribe, e: Exchange) -> str:
    sure = ("{I asked the desk|I work there|From the policy page|It is on the site}: ", "{Hi|Hello}, ", "", "", "")
    opening = s.any_of(sure)
    answer = e.answer if e.rule is None or s.chance(0.3) else s.stated(e.rule)
    text = opening + (lowered(answer) if opening else answer)
    return lowered(text).rstrip(".") if s.chance(0.15) else text
