"""Whatever happens while somebody labels, in every kind of task: the work is back, and is stored once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tunesmith.core.records import Completion, Demonstration, Message, Prompt, Ranking, Record
from tunesmith.label.passwords import hash_password
from tunesmith.store.annotation import sign_in
from tunesmith.store.annotation.tasks import AnnotationTask, TaskKind

from . import browser
from .browser import RunningDesk

pytestmark = [
    pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is a browser"),
    pytest.mark.slow,
]
ASKED = (Message("user", "Where is my parcel?"),)
KINDS: tuple[TaskKind, ...] = ("rank", "pair", "write", "edit")
PASSWORD = "a long password"


@pytest.fixture
def context(chromium: Any, desk: RunningDesk) -> Iterator[Any]:
    desk.user("ann", password_hash=hash_password(desk.desk, PASSWORD))
    made = chromium.new_context()
    made.set_default_timeout(15_000)
    made.add_cookies([desk.cookie("ann")])
    yield made
    made.close()


def record(kind: TaskKind) -> Record:
    if kind in ("rank", "pair"):
        said = tuple(Completion(id=f"m{n}", text=f"answer {n}") for n in range(4 if kind == "rank" else 2))
        return Ranking(messages=ASKED, completions=said, rankings=())
    return Prompt(messages=ASKED) if kind == "write" else Demonstration(messages=(*ASKED, Message("assistant", "Bad.")))


def opened(context: Any, desk: RunningDesk, task: AnnotationTask) -> Any:
    page = context.new_page()
    page.goto(f"{desk.address}/work/{task.id}")
    page.wait_for_selector("#work .submit")
    return page


def work(page: Any, kind: TaskKind) -> None:
    """Do everything but submit."""
    if kind in ("rank", "pair"):
        for key in ("6", "3", "6", "1", "f") if kind == "rank" else ("2",):
            page.keyboard.press(key)
    else:
        page.fill("textarea", "Half a thought,\nand the rest.")
    page.wait_for_function("() => document.querySelector('.status').textContent.startsWith('Draft kept')")


def is_back(page: Any, kind: TaskKind) -> bool:
    """Whether what `work` did is on the page."""
    pressed = page.locator('#work [aria-pressed="true"]').all_inner_texts()
    if kind == "rank":
        return [text.split("\n")[0] for text in pressed] == ["6", "3", "6", "1", "Fails the task"]
    if kind == "pair":
        return bool(pressed) and pressed[0].startswith("B is better")
    return bool(page.input_value("textarea") == "Half a thought,\nand the rest.")


def submit(page: Any, kind: TaskKind) -> None:
    page.keyboard.press("Enter" if kind in ("rank", "pair") else "Control+Enter")


def stored_once(desk: RunningDesk, task: AnnotationTask) -> None:
    [event] = desk.labels(task)
    if task.kind == "rank":
        a, b, c, d = event.shown
        assert event.payload["order"] == [[a, c], [b], [d]] and event.payload["flags"] == {d: ["fails_task"]}
    elif task.kind == "pair":
        assert event.payload["order"] == [[event.shown[1]], [event.shown[0]]]
    else:
        assert event.payload["text"] == "Half a thought,\nand the rest."


def offline(context: Any, page: Any, desk: RunningDesk, task: AnnotationTask) -> Any:
    context.set_offline(True)
    submit(page, task.kind)
    page.wait_for_selector("text=The desk cannot be reached")
    assert is_back(page, task.kind) and desk.labels(task) == []
    context.set_offline(False)
    return page


def errors_500(context: Any, page: Any, desk: RunningDesk, task: AnnotationTask) -> Any:
    tries: list[int] = []

    def fail(route: Any) -> None:
        tries.append(1)
        route.fulfill(status=500, json={"error": {"message": "broken"}}) if len(tries) < 3 else route.continue_()

    page.route("**/label", fail)
    submit(page, task.kind)
    page.wait_for_selector("text=could not store this just now")
    assert is_back(page, task.kind)
    return page


def tab_killed(context: Any, page: Any, desk: RunningDesk, task: AnnotationTask) -> Any:
    with pytest.raises(Exception, match="crash"):
        page.goto("chrome://crash")
    page.close()
    page = opened(context, desk, task)
    page.wait_for_selector("text=Your draft was kept")
    assert is_back(page, task.kind)
    submit(page, task.kind)
    return page


def session_ended(context: Any, page: Any, desk: RunningDesk, task: AnnotationTask) -> Any:
    ann = desk.user("ann")
    with desk.desk.database.write() as connection:
        sign_in.end_sessions(connection, ann.id)
    submit(page, task.kind)
    page.click("text=Sign in again")
    page.fill("input[name=name]", "ann")
    page.fill("input[name=password]", PASSWORD)
    page.click("button.primary")
    return page


ACCIDENTS: Mapping[str, Callable[[Any, Any, RunningDesk, AnnotationTask], Any]] = {
    "offline": offline,
    "errors 500": errors_500,
    "tab killed": tab_killed,
    "session ended": session_ended,
}


@pytest.mark.parametrize("accident", ACCIDENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_work_is_back_and_stored_once(context: Any, desk: RunningDesk, kind: TaskKind, accident: str) -> None:
    task = desk.task("t", kind, record(kind))
    page = opened(context, desk, task)
    work(page, kind)
    page = ACCIDENTS[accident](context, page, desk, task)
    page.wait_for_selector("text=Nothing waits for you")
    stored_once(desk, task)


@pytest.mark.parametrize("kind", KINDS)
def test_an_undone_label_comes_back_as_it_was(context: Any, desk: RunningDesk, kind: TaskKind) -> None:
    task = desk.task("t", kind, record(kind))
    page = opened(context, desk, task)
    work(page, kind)
    submit(page, kind)
    page.click(".notice >> text=Undo")
    page.wait_for_selector("text=Taken back")
    assert is_back(page, kind) and desk.labels(task) == []
    submit(page, kind)
    page.wait_for_selector("text=Nothing waits for you")
    stored_once(desk, task)


def test_a_skip_whose_answer_is_lost_is_stored_once(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "write", record("write"))
    lost: list[int] = []

    def lose(route: Any) -> None:
        lost.append(1)
        route.fetch()
        route.abort() if len(lost) == 1 else route.continue_()

    context.route("**/skip", lose)
    page = opened(context, desk, task)
    page.click("[data-focus=skip]")
    page.keyboard.press("2")
    page.wait_for_selector("text=Nothing waits for you")
    with desk.desk.database.read() as connection:
        kinds = connection.exec_driver_sql("SELECT kind FROM label_events").scalars().all()
    assert lost and kinds == ["skip"]


def test_an_undo_that_does_not_get_through_can_be_repeated(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "pair", record("pair"))
    page = opened(context, desk, task)
    work(page, "pair")
    submit(page, "pair")
    page.wait_for_selector(".notice button")
    context.set_offline(True)
    page.keyboard.press("u")
    page.click("text=Undo") if page.locator("text=Undo").count() else None
    page.wait_for_selector("text=Not taken back")
    assert len(desk.labels(task)) == 1
    context.set_offline(False)
    page.click("text=Try again")
    page.wait_for_selector("text=Taken back")
    assert desk.labels(task) == [] and is_back(page, "pair")


def test_a_decision_survives_a_lost_connection(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "pair", record("pair"))
    page = opened(context, desk, task)
    work(page, "pair")
    submit(page, "pair")
    page.wait_for_selector("text=Nothing waits for you")
    item = desk.labels(task)[0].item_id
    context.add_cookies([desk.cookie("lea", "lead")])
    page.goto(f"{desk.address}/tasks/{task.id}/review/{item}")
    page.wait_for_selector("#work .submit")
    page.keyboard.press("3")
    context.set_offline(True)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The desk cannot be reached")
    context.set_offline(False)
    page.wait_for_url("**/review")
    assert [event.kind for event in desk.labels(task)] == ["label", "decision"]


def test_another_tab_shows_what_was_done_in_this_one(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "write", record("write"))
    one, two = opened(context, desk, task), opened(context, desk, task)
    one.bring_to_front()
    work(one, "write")
    two.evaluate("() => { Object.defineProperty(document, 'hasFocus', { value: () => false }); }")
    one.fill("textarea", "Newer.")
    two.wait_for_function("() => document.querySelector('textarea').value === 'Newer.'")
    one.keyboard.press("Control+Enter")
    one.wait_for_selector("text=Nothing waits for you")
    two.wait_for_selector("text=Nothing waits for you")
    assert [event.payload["text"] for event in desk.labels(task)] == ["Newer."]


def test_an_account_that_is_locked_out_keeps_what_it_wrote(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "write", record("write"))
    page = opened(context, desk, task)
    work(page, "write")
    with desk.desk.database.write() as connection:
        connection.exec_driver_sql("UPDATE users SET disabled = 1 WHERE name = 'ann'")
    submit(page, "write")
    page.wait_for_selector("text=You are signed out")
    assert is_back(page, "write") and desk.labels(task) == []
