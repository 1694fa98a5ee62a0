"""The desk in a real browser: keys, drafts that survive whatever happens, and texts that stay texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tunesmith.core.records import Completion, Message, Prompt, Ranking
from tunesmith.label.passwords import hash_password
from tunesmith.store.annotation import sign_in

from . import browser
from .browser import RunningDesk
from .payloads import payloads

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is a browser")
WAIT_MS = 60_000


@pytest.fixture
def context(chromium: Any, desk: RunningDesk) -> Iterator[Any]:
    made = chromium.new_context()
    made.set_default_timeout(WAIT_MS)
    made.add_cookies([desk.cookie("ann")])
    yield made
    made.close()


def ranking(n: int, texts: list[str] | None = None) -> Ranking:
    said = texts or [f"answer {i}" for i in range(4)]
    completions = tuple(Completion(id=f"m{i}", text=text) for i, text in enumerate(said))
    return Ranking(messages=(Message("user", f"Question {n}?"),), completions=completions, rankings=())


def prompt(n: int) -> Prompt:
    return Prompt(messages=(Message("user", f"Question {n}?"),))


def open_work(context: Any, desk: RunningDesk, task: Any) -> Any:
    page = context.new_page()
    page.goto(f"{desk.address}/work/{task.id}")
    page.wait_for_selector("#work .submit")
    return page


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def write(page: Any, text: str) -> None:
    page.fill("textarea", text)
    page.wait_for_function("() => document.querySelector('.status').textContent.startsWith('Draft kept')")


def saved(page: Any) -> None:
    page.wait_for_selector(".notice >> text=/^Saved/")


def done(page: Any) -> None:
    page.wait_for_selector("text=Nothing waits for you")


def texts(desk: RunningDesk, task: Any) -> list[str]:
    return [event.payload["text"] for event in desk.labels(task)]


def test_four_completions_take_five_keys(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "rank", ranking(0), ranking(1))
    page = open_work(context, desk, task)
    press(page, "6", "3", "6", "1", "Enter")
    saved(page)
    [event] = desk.labels(task)
    a, b, c, d = event.shown
    assert event.payload["order"] == [[a, c], [b], [d]]
    assert event.payload["ratings"] == {a: 6, b: 3, c: 6, d: 1}


def test_flags_moves_and_a_contradiction_by_keyboard(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "rank", ranking(0))
    page = open_work(context, desk, task)
    press(page, "4", "4", "2", "1", "f", "Shift+ArrowUp", "Enter")
    assert "contradicts" in page.inner_text(".status")
    press(page, "y", "x", "Enter")
    done(page)
    [event] = desk.labels(task)
    a, b, c, d = event.shown
    assert event.payload["order"] == [[a, b], [d], [c]] and event.payload["flags"] == {d: ["fails_task"]}
    assert event.payload["contradictions"] == [[d, c]] and event.payload["none_acceptable"] is True


def test_undo_brings_the_answer_back(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "rank", ranking(0), ranking(1))
    page = open_work(context, desk, task)
    press(page, "7", "5", "3", "1", "Enter")
    saved(page)
    press(page, "u")
    page.wait_for_selector("text=Taken back")
    assert page.locator('.ratings button[aria-pressed="true"]').all_inner_texts() == ["7", "5", "3", "1"]
    assert desk.labels(task) == []


def test_keys_do_nothing_inside_a_text(context: Any, desk: RunningDesk) -> None:
    page = open_work(context, desk, desk.task("t", "write", prompt(0)))
    page.focus("textarea")
    page.keyboard.type("s? u=x1")
    assert page.input_value("textarea") == "s? u=x1" and page.locator("dialog").count() == 0


@pytest.mark.parametrize("accident", ["reload", "tab closed"])
def test_a_draft_survives(context: Any, desk: RunningDesk, accident: str) -> None:
    task = desk.task("t", "write", prompt(0))
    page = open_work(context, desk, task)
    write(page, "Half a thou")
    if accident == "reload":
        page.reload()
    else:
        page.close()
        page = open_work(context, desk, task)
    page.wait_for_selector("text=Your draft was kept")
    assert page.input_value("textarea") == "Half a thou"


def test_ratings_survive_a_reload(context: Any, desk: RunningDesk) -> None:
    page = open_work(context, desk, desk.task("t", "rank", ranking(0)))
    press(page, "6", "3", "h")
    page.reload()
    page.wait_for_selector("text=Your draft was kept")
    assert page.locator('.ratings button[aria-pressed="true"]').all_inner_texts() == ["6", "3"]
    assert page.locator(".completion .tag.warn").all_inner_texts() == ["Invents a fact"]


def test_offline_work_is_sent_when_the_network_is_back(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "write", prompt(0))
    page = open_work(context, desk, task)
    write(page, "Written under way.")
    context.set_offline(True)
    press(page, "Control+Enter")
    page.wait_for_selector("text=The desk cannot be reached")
    assert page.input_value("textarea") == "Written under way." and desk.labels(task) == []
    context.set_offline(False)
    done(page)
    assert texts(desk, task) == ["Written under way."]


@pytest.mark.parametrize("accident", ["error 500", "answer lost", "tab closed after sending"])
def test_a_submit_is_stored_once_whatever_happens_to_it(context: Any, desk: RunningDesk, accident: str) -> None:
    task = desk.task("t", "write", prompt(0))
    tries: list[str] = []

    def meddle(route: Any) -> None:
        tries.append(route.request.url)
        if len(tries) > 2 and accident != "tab closed after sending":
            route.continue_()
        elif accident == "error 500":
            route.fulfill(status=500, json={"error": {"message": "broken"}})
        else:
            route.fetch()  # the server stores it
            route.abort()  # the browser never hears of it

    context.route("**/label", meddle)  # before there is a page: set on a living page, it may miss the first request
    page = open_work(context, desk, task)
    write(page, "Once.")
    press(page, "Control+Enter")
    if accident == "tab closed after sending":
        page.wait_for_selector("text=The desk cannot be reached")
        context.unroute_all(behavior="ignoreErrors")
        page.close()
        page = context.new_page()
        page.goto(f"{desk.address}/work/{task.id}")
    done(page)
    assert tries and texts(desk, task) == ["Once."]


def test_an_expired_session_keeps_the_work(context: Any, desk: RunningDesk) -> None:
    user = desk.user("bob", password_hash=hash_password(desk.desk, "a long password"))
    context.clear_cookies()
    context.add_cookies([desk.cookie("bob")])
    task = desk.task("t", "write", prompt(0))
    page = open_work(context, desk, task)
    write(page, "Still here.")
    with desk.desk.database.write() as connection:
        sign_in.end_sessions(connection, user.id)
    press(page, "Control+Enter")
    page.click("text=Sign in again")
    page.fill("input[name=name]", "bob")
    page.fill("input[name=password]", "a long password")
    page.click("button.primary")
    done(page)  # the submit that was under way is sent first
    assert texts(desk, task) == ["Still here."]


def test_a_password_typed_before_the_script_is_there_is_not_sent_as_an_address(context: Any, desk: RunningDesk) -> None:
    desk.user("bob", password_hash=hash_password(desk.desk, "a long password"))
    context.clear_cookies()
    page = context.new_page()
    held: list[Any] = []
    page.route("**/static/desk.js", lambda route: held.append(route))
    page.goto(f"{desk.address}/login?next=/account", wait_until="commit")
    page.fill("input[name=name]", "bob")
    page.fill("input[name=password]", "a long password")
    page.keyboard.press("Enter")
    page.click("button.primary", force=True)
    assert page.url == f"{desk.address}/login?next=/account" and page.input_value("input[name=name]") == "bob"
    assert page.is_disabled("button.primary")
    held[0].continue_()
    page.click("button.primary")
    page.wait_for_selector("h1:has-text('bob')")


def test_an_item_that_could_not_be_fetched_comes_by_itself(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "write", prompt(0))
    page = context.new_page()
    tries: list[int] = []

    def answer(route: Any) -> None:
        tries.append(len(tries))
        [route.abort, lambda: route.fulfill(status=503, json={"error": "busy"}), route.continue_][
            min(2, len(tries) - 1)
        ]()

    page.route("**/next", answer)
    page.goto(f"{desk.address}/work/{task.id}")
    page.wait_for_selector(".banner >> text=is kept in this browser")
    page.wait_for_selector("#work .submit")
    assert len(tries) == 3 and page.locator(".banner").count() == 0


def test_two_tabs_do_not_store_two_labels(context: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "write", prompt(0), prompt(1))
    one, two = open_work(context, desk, task), open_work(context, desk, task)
    two.route("**/next", lambda route: route.abort())  # so that it stays on the item that it shows
    write(one, "From the first tab.")
    one.keyboard.press("Control+Enter")
    saved(one)
    two.fill("textarea", "From the second tab.")
    two.click("[data-focus=submit]")
    two.wait_for_selector(".banner >> text=you have labeled this item")
    assert two.input_value("textarea") == "From the second tab."  # still there to be copied
    assert texts(desk, task) == ["From the first tab."]


PAYLOADS = payloads()[::20]  # test_label_xss tries them all


def test_texts_that_try_to_be_code_stay_texts(chromium: Any, desk: RunningDesk) -> None:
    """Sixteen payloads as prompt and completion, some as names, on every page that shows them."""
    records = [
        Ranking(
            messages=(Message("user", payload),),
            completions=(Completion(id="a", text=payload), Completion(id="b", text=payload + ".")),
            rankings=(),
        )
        for payload in PAYLOADS
    ]
    tasks = [desk.task(PAYLOADS[0], "rank", *records), desk.task(PAYLOADS[1], "pair", *records)]
    context = chromium.new_context()
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([desk.cookie("<img src=x onerror=hit=1>", "admin")])
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    shown = set()
    for task in tasks:
        page.goto(f"{desk.address}/work/{task.id}")
        for n in range(len(PAYLOADS)):
            page.wait_for_function(f"() => document.querySelector('#counts').textContent.startsWith('{n} labeled')")
            shown.add(page.text_content(".prompt .said"))
            press(page, *(("5", "3", "Enter") if task is tasks[0] else ("1", "Enter")))
        done(page)
    for path in ("/", "/tasks/1", "/tasks/1/review", "/tasks/1/review/1", "/people", "/audit"):
        page.goto(desk.address + path)
        assert page.evaluate("window.hit") is None
    assert shown == set(PAYLOADS) and problems == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_pair_fits_a_phone(chromium: Any, desk: RunningDesk, scheme: str) -> None:
    task = desk.task("a task with a rather long name", "pair", ranking(0, ["short", "a longer answer " * 30]))
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([desk.cookie("ann")])
    page = open_work(context, desk, task)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.tap("text=Both bad")
    page.tap("[data-focus=submit]")
    done(page)
    [event] = desk.labels(task)
    assert event.payload["none_acceptable"] is True
    context.close()


def test_everything_that_can_be_pressed_has_a_name(context: Any, desk: RunningDesk) -> None:
    page = open_work(context, desk, desk.task("t", "rank", ranking(0)))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, a, input, textarea, [role=img]')].filter(one => !(one.innerText?.trim()"
        " || one.ariaLabel || one.labels?.length)).map(one => one.outerHTML)"
    )
    assert unnamed == []
