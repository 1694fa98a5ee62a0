"""An A/B test as its visitors meet it: one name, one arm each through reloads, thumbs that count, a page to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tunesmith.evaluate.ab_report import render_ab_report
from tunesmith.serve.experiment_model import experiment_models
from tunesmith.statistics.ab_test import Metric
from tunesmith.store.database import open_database
from tunesmith.store.experiment import experiments, log
from tunesmith.store.experiment.tables import outcomes

from ..serve.chat.scripted import ScriptedModel
from . import browser, chat_server
from .chat_server import RunningChat
from .test_chat_browser import ask, opened, press, quiet, said

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is a browser")
SAYS = {"arm-plain": "Here is your answer.", "arm-warm": "Gladly! Here is your answer."}
VISITOR = "tunesmith:chat:visitor"


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[RunningChat]:
    database = open_database(str(tmp_path / "ab.db"))
    arms = [experiments.Variant(name=name, share=0.5, value=f"secret-{name}") for name in SAYS]
    metrics = [Metric(name="vote", better="higher"), Metric(name="seconds", better="lower", role="guardrail", margin=2)]
    with database.write() as connection:
        experiments.create(connection, "greeting-model", kind="model", arms=arms, metrics=metrics, now=1.0)
    models = {arm.value: ScriptedModel(arm.value, say=lambda _, text=SAYS[arm.name]: [text]) for arm in arms}
    with chat_server.running(database, experiment_models(database, {"greeting-model": ""}, models)) as found:
        yield found
    database.close()


@pytest.fixture
def visitors(chromium: Any) -> Iterator[Any]:
    """Return a function that makes a new visitor: a browser without a past, or one that was given this name."""
    contexts = []

    def visitor(name: str = "") -> Any:
        contexts.append(chromium.new_context(viewport={"width": 1100, "height": 800}))
        if name:
            contexts[-1].add_init_script(f"localStorage.setItem({VISITOR!r}, {name!r})")
        return contexts[-1]

    yield visitor
    for context in contexts:
        context.close()


def test_two_visitors_each_keep_their_arm_and_their_votes_count(
    visitors: Any, chat: RunningChat, chromium: Any, tmp_path: Path
) -> None:
    with chat.database.read() as connection:
        test = experiments.get(connection, "greeting-model")
    shown: list[str] = []

    def visit(context: Any, thumb: str) -> tuple[str, str]:
        """Ask, reload, ask again in a new chat; return the visitor's name and what both times was said."""
        page = opened(context, chat)
        ask(page, "Where is my order?")
        [first] = said(page)
        assert page.inner_text(".about").startswith("greeting-model")
        press(page, thumb)
        page.wait_for_selector(f'button[aria-label="{thumb}"][aria-pressed="true"]')
        shown.append(page.content())
        page.goto(chat.page)  # a new talk
        page.wait_for_selector(".welcome")
        ask(page, "And now?")
        assert said(page)[-1] == first
        quiet(page)
        return str(page.evaluate(f"localStorage.getItem({VISITOR!r})")), first

    drawn, first = visit(visitors(), "Good reply")
    arm = experiments.assign(test, drawn)
    assert first == SAYS[arm.name]
    other = next(f"visitor {n}" for n in range(99) if experiments.assign(test, f"visitor {n}").name != arm.name)
    name, second = visit(visitors(other), "Bad reply")
    assert name == other and second != first and second in SAYS.values()
    assert not any(word in text for text in shown for word in ("secret", '"arm"', *SAYS))

    with chat.database.read() as connection:
        assert log.counts(connection, test) == (2, 4, 6)  # people, replies; a time for each reply and two votes
        stored = connection.execute(select(outcomes.c.arm_id, outcomes.c.value).where(outcomes.c.metric == "vote"))
        wanted = {one.id: 1.0 if one.name == arm.name else 0.0 for one in test.arms}
        assert dict(tuple(row) for row in stored) == wanted
        report = log.report(connection, test)
    [votes] = [result for result in report.metrics if result.metric.name == "vote"]
    assert [(one.people, one.outcomes) for one in votes.arms] == [(1, 1), (1, 1)]
    file = tmp_path / "ab.html"
    file.write_text(render_ab_report(report), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 1100, "height": 900})
    page.goto(file.as_uri())
    text = page.inner_text("body")
    assert all(word in text for word in ("greeting-model", *SAYS, "vote", "seconds"))
    page.close()
