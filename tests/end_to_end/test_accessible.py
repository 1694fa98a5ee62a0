"""axe-core finds nothing on any page of the desk, in any state it can be in, nor on the chat page; light and dark."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.records import Completion, Demonstration, Message, Prompt, Ranking, RankingLabel
from tunesmith.label.app import ROUTERS
from tunesmith.label.calibration import open_calibration
from tunesmith.label.screening import open_screening
from tunesmith.store.annotation import labels, rounds, sign_in, tasks, users
from tunesmith.store.annotation.queue import claim
from tunesmith.store.database import open_database

from ..serve.chat.scripted import ScriptedModel
from . import axe, browser, chat_server
from .browser import RunningDesk

WHY_NOT = browser.missing() or axe.missing()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "there is a browser")
WAIT_MS = 60_000
VISITOR = "ada"
ASKED = (Message("system", "Be brief."), Message("user", "Where is my parcel?"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningDesk]:
    """A desk with a task of each kind; two people disagree about the first item, and one skipped the second."""
    database = open_database(str(tmp_path / "desk.db"))
    with browser.running(database) as found:
        said = tuple(Completion(id=f"m{i}", text=f"answer {i}") for i in range(3))
        asked = [(*ASKED, Message("user", f"Number {n}.")) for n in range(3)]
        rankings = [Ranking(messages=one, completions=said, rankings=()) for one in asked]
        ranked = found.task("Which is best?", "rank", *rankings)
        found.task("Two at a time", "pair", Ranking(messages=ASKED, completions=said[:2], rankings=()))
        written = found.task("Written by people", "write", Prompt(messages=ASKED))
        found.task("Improved drafts", "edit", Demonstration(messages=(*ASKED, Message("assistant", "On its way."))))
        with database.write() as connection:
            tasks.publish_guideline(connection, written.id, "Be kind.\n\nBe short.", author_id=None, now=1.0)
        for name, order in (("bea", ["m0", "m1", "m2"]), ("cyd", ["m2", "m1", "m0"])):
            label(found, ranked, name, order)
        skip(found, ranked, "bea")
        calibrated(found, rankings[0])
        screened(found, rankings[0])
        yield found
    database.close()


def calibrated(desk: RunningDesk, record: Ranking) -> None:
    """A fifth task with a round that the visitor and another one have finished, not of one mind."""
    answer = RankingLabel(labeler="lea", order=(("m0",), ("m1",), ("m2",)))
    task = desk.task("Calibrated", "rank")
    desk.user(VISITOR, "admin")
    with desk.desk.database.write() as connection:
        opened = open_calibration(
            connection, task, [dataclasses.replace(record, rankings=(answer,))], opened_by=None, now=1.0
        )
    for name, order in ((VISITOR, ["m2", "m1", "m0"]), ("dee", ["m0", "m1", "m2"])):
        label(desk, task, name, order)
        user = desk.user(name)
        with desk.desk.database.write() as connection:
            rounds.finish(connection, opened.round.id, user, now=2.0)


def screened(desk: RunningDesk, record: Ranking) -> None:
    """A sixth task: a screening with one candidate who has answered everything, and one who has not begun."""
    answer = RankingLabel(labeler="lea", order=(("m0",), ("m1",), ("m2",)))
    flagged = Demonstration(messages=(*ASKED, Message("assistant", "Lost.")), meta={"sensitive": True})
    records = [flagged, dataclasses.replace(record, rankings=(answer,)), Prompt(messages=ASKED)]
    payloads: list[dict[str, Any]] = [
        {"sensitive": True},
        {"order": [["m0"], ["m1"], ["m2"]], "flags": {}},
        {"text": "It is on its way."},
        {"topics": ["Age"]},
    ]
    with desk.desk.database.write() as connection:
        task = tasks.add_annotation_task(connection, "Candidates", kind="screening", overlap=1, now=1.0)
        opened = open_screening(connection, task, records, now=1.0)
        for name in ("fay", "gus"):
            users.add_user(connection, name, role="labeler", candidate_of=task.id, now=1.0)
        fay = users.find_user(connection, "fay")
        assert fay is not None
        for payload in payloads:
            lease = claim(connection, task, fay, now=1.0)
            assert lease is not None
            said = labels.Submission(key=f"fay-{lease.item_id}-{'0' * 20}", item_id=lease.item_id, payload=payload)
            labels.submit(connection, fay, said, now=1.0)
        rounds.finish(connection, opened.round.id, fay, now=2.0)


def label(desk: RunningDesk, task: tasks.AnnotationTask, name: str, order: list[str]) -> None:
    user = desk.user(name)
    payload = {
        "order": [[one] for one in order],
        "ratings": {one: 7 - 2 * n for n, one in enumerate(order)},
        "flags": {order[0]: ["untruthful"]},
        "none_acceptable": name == "bea",
        "contradictions": [],
        "note": "A hard one.",
    }
    with desk.desk.database.write() as connection:
        lease = claim(connection, task, user, now=desk.desk.clock())
        assert lease is not None
        shown = tuple(sorted(order))
        said = labels.Submission(
            key=f"{name}-{'0' * 20}", item_id=lease.item_id, payload=payload, shown=shown, seconds=9
        )
        labels.submit(connection, user, said, now=desk.desk.clock())


def skip(desk: RunningDesk, task: tasks.AnnotationTask, name: str) -> None:
    user = desk.user(name)
    with desk.desk.database.write() as connection:
        lease = claim(connection, task, user, now=desk.desk.clock())
        assert lease is not None
        labels.skip(connection, user, "s" * 20, lease.item_id, "Something is broken", now=desk.desk.clock())


def invite(desk: RunningDesk) -> str:
    with desk.desk.database.write() as connection:
        return sign_in.add_invite(connection, role="labeler", skills=[], created_by=None, expires_at=1e12)


def ranked_task(desk: RunningDesk) -> tasks.AnnotationTask:
    with desk.desk.database.read() as connection:
        return tasks.get_annotation_task(connection, 1)


def test_every_page_of_the_desk(chromium: Any, desk: RunningDesk) -> None:
    """The addresses come from the routes, so a page that is added later is looked at too."""
    values = {
        "task_id": "1",
        "item_id": str(desk.labels(ranked_task(desk))[0].item_id),
        "token": invite(desk),
        "round_id": "1",
    }
    pages = [
        route.path.format(**values)
        for router in ROUTERS
        for route in router.routes
        if "GET" in route.methods and route.path not in ("/healthz", "/static/{name}")
    ]
    assert len(pages) >= 10
    pages = [path.replace("/1/rounds", "/5/rounds").replace("/1/screening", "/6/screening") for path in pages]
    extra = ["/join/wrong", "/tasks/2", "/tasks/3", "/tasks/3/review", "/work/2", "/work/4"]
    context = opened(chromium, desk)
    page = context.new_page()
    found = []
    for path in pages + extra:
        page.goto(desk.address + path)
        page.wait_for_function("() => !document.querySelector('#work')?.textContent.includes('Loading')")
        found += axe.violations(page)
    context.close()
    assert not found, "\n".join(sorted(set(found)))


def flags_and_contradiction(page: Any, desk: RunningDesk) -> None:
    keys(page, "7", "5", "3", "f", "Shift+ArrowUp")
    page.wait_for_selector(".contradiction")


def skip_dialog(page: Any, desk: RunningDesk) -> None:
    keys(page, "s")
    page.wait_for_selector("dialog[open]")


def key_list(page: Any, desk: RunningDesk) -> None:
    keys(page, "?")
    page.wait_for_selector("dialog[open]")


def refused_and_unreachable(page: Any, desk: RunningDesk) -> None:
    page.route("**/label", lambda route: route.abort())
    keys(page, "7", "5", "3", "Enter")
    page.wait_for_selector(".banner.bad")


def notice_with_undo(page: Any, desk: RunningDesk) -> None:
    keys(page, "7", "5", "3", "Enter")
    page.wait_for_selector(".notice button")


def what_is_missing(page: Any, desk: RunningDesk) -> None:
    keys(page, "7", "Enter")
    page.wait_for_selector(".status.problem")


def unread_guideline(page: Any, desk: RunningDesk) -> None:
    page.goto(desk.address + "/work/3")
    page.wait_for_selector("dialog[open]")


def refused_form(page: Any, desk: RunningDesk) -> None:
    page.goto(desk.address + "/login")
    page.fill("[name=name]", "nobody")
    page.fill("[name=password]", "a wrong password")
    page.click("button.primary")
    page.wait_for_selector(".problem:not(:empty)")


def made_invite(page: Any, desk: RunningDesk) -> None:
    page.goto(desk.address + "/people")
    page.click("button.primary")
    page.wait_for_selector("#invite:not([hidden])")


def what_a_candidate_is_asked(page: Any, desk: RunningDesk) -> None:
    """Every kind of test in turn; each is looked at, and what is found is raised at once."""
    page.context.add_cookies([desk.cookie("gus")])
    page.goto(desk.address + "/work/6")
    for done, pressed in enumerate((["1"], ["7", "5", "3"], [], [" "]), 1):
        page.wait_for_selector("#work .submit")
        assert not axe.violations(page)
        if page.locator("#text").count():
            page.fill("#text", "It is on its way.")
        if page.locator("[data-focus=topic-0]").count():
            page.focus("[data-focus=topic-0]")
        keys(page, *pressed)
        keys(page, "Control+Enter")
        page.wait_for_function("n => document.querySelector('#counts').textContent.startsWith(`${n} of`)", arg=done)
    page.wait_for_selector("[data-focus=finish]")


def nothing_left(page: Any, desk: RunningDesk) -> None:
    page.goto(desk.address + "/work/2")
    page.wait_for_selector("#work .submit")
    keys(page, "1", "Enter")
    page.wait_for_selector(".empty")


STATES: list[Callable[[Any, RunningDesk], None]] = [
    flags_and_contradiction,
    skip_dialog,
    key_list,
    what_a_candidate_is_asked,
    refused_and_unreachable,
    notice_with_undo,
    what_is_missing,
    unread_guideline,
    refused_form,
    made_invite,
    nothing_left,
]


@pytest.mark.slow
def test_every_state_of_a_page(chromium: Any, desk: RunningDesk) -> None:
    found = []
    for state in STATES:
        context = opened(chromium, desk, viewport={"width": 390, "height": 800})
        page = context.new_page()
        page.goto(desk.address + "/work/1")
        page.wait_for_selector("#work .submit")
        state(page, desk)
        found += [f"{state.__name__}: {line}" for line in axe.violations(page)]
        context.close()
    assert not found, "\n".join(sorted(set(found)))


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[chat_server.RunningChat]:
    database = open_database(str(tmp_path / "chat.db"))
    say = [
        "# Steps\n\n1. *Open* the [help](https://example.org).\n\n",
        "```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    ]
    models = [ScriptedModel(name, say=lambda ask: say) for name in ("sft-model", "ppo-model")]
    with chat_server.running(database, models) as found:
        yield found
    database.close()


@pytest.mark.slow
def test_the_chat_page(chromium: Any, chat: chat_server.RunningChat) -> None:
    found = []
    for width in (1100, 390):
        context = chromium.new_context(viewport={"width": width, "height": 800})
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.goto(chat.page)
        page.wait_for_selector(".welcome")
        found += axe.violations(page)
        page.fill("#message", "How do I send it back?")
        page.keyboard.press("Enter")
        page.wait_for_selector(".reply .tools")
        found += axe.violations(page)
        page.click("#open-settings")
        page.wait_for_selector("dialog[open]")
        found += axe.violations(page)
        page.keyboard.press("Escape")
        page.click("#side-by-side")
        page.fill("#message", "And the other one?")
        page.keyboard.press("Enter")
        page.wait_for_selector(".vote")
        found += axe.violations(page)
        if width < 600:
            page.click("#open-side")
            page.wait_for_selector("#talks li")
            found += axe.violations(page)
        context.close()
    assert not found, "\n".join(sorted(set(found)))


def test_axe_is_really_asked(chromium: Any) -> None:
    """A page with three known faults: were axe not to run, the tests above could not fail."""
    page = chromium.new_page()
    page.set_content(
        "<html lang=en><title>t</title><main><h1>t</h1><img src=x><input><p style='color:#aaa'>pale</p></main>"
    )
    found = {tuple(line.split()[::2][:2]) for line in axe.violations(page)}
    assert found == {("light", one) for one in ("image-alt:", "label:", "color-contrast:")} | {
        ("dark", "color-contrast:")
    }
    page.close()


def opened(chromium: Any, desk: RunningDesk, **more: Any) -> Any:
    context = chromium.new_context(**more)
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([desk.cookie(VISITOR, "admin")])
    return context


def keys(page: Any, *pressed: str) -> None:
    for one in pressed:
        page.keyboard.press(one)
