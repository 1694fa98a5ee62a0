"""Three hundred texts that try to be code, through every field that somebody else's page shows: none runs.

The browser is told to ignore the content security policy, which would stop them too: here escaping must.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tunesmith.core.records import Completion, Demonstration, Message, Ranking
from tunesmith.store.annotation import labels, tasks
from tunesmith.store.annotation.audit import record_action
from tunesmith.store.annotation.queue import claim

from . import browser
from .browser import RunningDesk
from .payloads import payloads

pytestmark = [
    pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is a browser"),
    pytest.mark.slow,
]
PAYLOADS = payloads()
BATCHES = [PAYLOADS[n : n + 9] for n in range(0, len(PAYLOADS), 9)]


@pytest.fixture
def page(chromium: Any, desk: RunningDesk) -> Iterator[Any]:
    context = chromium.new_context(bypass_csp=True)
    context.set_default_timeout(60_000)
    context.add_cookies([desk.cookie("ada", "admin")])
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("dialog", lambda dialog: page.problems.append(dialog.message))
    page.on("request", lambda request: request.url.startswith(desk.address) or page.problems.append(request.url))
    yield page
    context.close()


def check(page: Any, expected: list[str], where: str = "main") -> None:
    """Every payload is there, as text; none has run, nor made an element of its own."""
    page.wait_for_timeout(50)
    content = page.evaluate("where => document.querySelector(where).textContent", where)
    assert [text for text in expected if text not in content] == []
    assert page.evaluate("window.hit") is None and page.problems == []
    assert (
        page.evaluate("document.querySelectorAll('iframe, object, embed, img, base, marquee, xss, style').length") == 0
    )


def asked(batch: list[str]) -> tuple[Message, ...]:
    return (Message("system", batch[0]), Message("user", "\n".join(batch)))


def ranking(batch: list[str]) -> Ranking:
    said = tuple(Completion(id=f"m{n}", text=text, model=text) for n, text in enumerate(batch))
    return Ranking(messages=asked(batch), completions=said, rankings=())


def test_there_are_three_hundred() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) >= 300


def test_the_browser_would_run_them(page: Any, desk: RunningDesk) -> None:
    """Put into a page as code, they run: the tests below could fail."""
    page.goto(f"{desk.address}/account")
    page.evaluate("text => { document.querySelector('main').innerHTML = text; }", "<img src=x onerror=window.hit=1>")
    page.wait_for_function("() => window.hit === 1")


def test_prompts_and_completions(page: Any, desk: RunningDesk) -> None:
    task = desk.task("t", "rank", *map(ranking, BATCHES))
    page.goto(f"{desk.address}/work/{task.id}")
    for n, batch in enumerate(BATCHES):
        page.wait_for_function("n => document.querySelector('#counts').textContent.startsWith(n + ' labeled')", arg=n)
        check(page, batch, ".prompt")
        check(page, batch, ".completions")
        for _ in batch:
            page.keyboard.press("4")
        page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing waits for you")
    assert len(desk.labels(task)) == len(BATCHES)


def test_drafts_and_pairs(page: Any, desk: RunningDesk) -> None:
    drafts = [Demonstration(messages=(*asked(batch), Message("assistant", "\n".join(batch)))) for batch in BATCHES]
    edit = desk.task("edit", "edit", *drafts)
    page.goto(f"{desk.address}/work/{edit.id}")
    for n, batch in enumerate(BATCHES):
        page.wait_for_function("n => document.querySelector('#counts').textContent.startsWith(n + ' labeled')", arg=n)
        check(page, batch)
        assert page.input_value("textarea") == "\n".join(batch).replace("\r", "\n")
        page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing waits for you")
    twos = [Ranking(messages=asked(PAYLOADS[n : n + 2]), completions=two(n), rankings=()) for n in range(0, 300, 2)]
    pair = desk.task("pair", "pair", *twos)
    page.goto(f"{desk.address}/work/{pair.id}")
    for n in range(len(twos)):
        page.wait_for_function("n => document.querySelector('#counts').textContent.startsWith(n + ' labeled')", arg=n)
        check(page, PAYLOADS[2 * n : 2 * n + 2], ".completions")
        page.keyboard.press("1")
        page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing waits for you")


def two(n: int) -> tuple[Completion, ...]:
    return tuple(Completion(id=f"m{i}", text=PAYLOADS[n + i], model=None) for i in range(2))


def test_names_texts_notes_reasons_and_guidelines(page: Any, desk: RunningDesk) -> None:
    """People, tasks, written labels with notes, skips, guideline, audit log: what one person types and another sees."""
    names = sorted({name_of(text) for text in PAYLOADS})
    for name in names:
        desk.task(name, "rank")
    task = desk.task("written", "write", *(one_prompt(n) for n in range(6)), *(one_prompt(100 + n) for n in range(7)))
    with desk.desk.database.write() as connection:
        tasks.set_overlap(connection, task.id, 50)
        tasks.publish_guideline(connection, task.id, "\n".join(PAYLOADS), author_id=None, now=1.0)
    item_ids = []
    for n, text in enumerate(PAYLOADS):
        item_ids += say(desk, task.id, text, n)
    for path, shown in (
        ("/", names),
        ("/people", [name[:55] for name in names]),
        ("/audit", PAYLOADS),
        (f"/tasks/{task.id}", PAYLOADS),
        (f"/tasks/{task.id}/review", []),
    ):
        page.goto(desk.address + path)
        check(page, shown)
    seen = ""
    for item in sorted(set(item_ids)):
        page.goto(f"{desk.address}/tasks/{task.id}/review/{item}")
        page.wait_for_selector(".said-by article")
        check(page, [])
        seen += page.inner_text(".said-by")
        page.keyboard.press("Escape")
        check(page, PAYLOADS, "dialog .said") if page.locator("dialog .said").count() else None
    assert [text for text in PAYLOADS if text.split("\n")[0].strip()[:12] not in seen] == []
    page.goto(f"{desk.address}/work/{task.id}")
    page.wait_for_selector("dialog .said")
    check(page, PAYLOADS, "dialog .said")


def one_prompt(n: int) -> Demonstration:
    return Demonstration(messages=(Message("user", f"Question {n}?"), Message("assistant", "x")))


def name_of(text: str) -> str:
    """The payload as far as the desk takes it for a name: 60 characters, none invisible."""
    return "".join(letter for letter in text if letter.isprintable())[:60].strip()


def say(desk: RunningDesk, task_id: int, text: str, n: int) -> list[int]:
    """Somebody named by the payload writes it as completion and note, skips another item for it, and is in the log."""
    user, now = desk.user(f"{name_of(text)[:55]} {n}"), desk.desk.clock()
    with desk.desk.database.write() as connection:
        task = tasks.get_annotation_task(connection, task_id)
        lease = claim(connection, task, user, now=now)
        assert lease is not None
        payload = {"text": text, "note": text}
        said = labels.Submission(key=f"said-{n:020}", item_id=lease.item_id, payload=payload, seconds=1.0)
        labels.submit(connection, user, said, now=now)
        other = claim(connection, task, user, now=now)
        assert other is not None
        labels.skip(connection, user, f"skip-{n:020}", other.item_id, text, now=now)
        record_action(connection, text, {text: text}, user_id=user.id, now=now)
    return [lease.item_id]


@pytest.mark.parametrize("path", ["/join/{}", "/login?next={}", "/{}", "/work/{}", "/static/{}", "/tasks/1/review/{}"])
def test_addresses(page: Any, desk: RunningDesk, path: str) -> None:
    from urllib.parse import quote

    for payload in PAYLOADS[::7]:
        page.goto(desk.address + path.format(quote(payload, safe="")))
        assert page.evaluate("window.hit") is None and page.problems == []


@pytest.mark.parametrize(
    "next_page", ["javascript:window.hit=1", "//evil.example", "/\\evil.example", "https://evil.example"]
)
def test_signing_in_leads_nowhere_else(page: Any, desk: RunningDesk, next_page: str) -> None:
    from urllib.parse import quote

    page.route("**/api/login", lambda route: route.fulfill(status=200, json={"ok": True}))
    page.goto(f"{desk.address}/login?next={quote(next_page, safe='')}")
    page.fill("[name=name]", "ada")
    page.fill("[name=password]", "a long password")
    page.click("button.primary")
    page.wait_for_url(f"{desk.address}/")
    assert page.evaluate("window.hit") is None and page.problems == []
