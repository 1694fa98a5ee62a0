"""Answering from pages in a real browser: choosing, sources under a reply, the receipt, citations, hints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serve.scene import local
from tunesmith.context.library import Library
from tunesmith.context.workspace import open_workspace
from tunesmith.store.database import open_database

from ..serve.chat.scripted import ScriptedModel
from . import browser, chat_server
from .chat_server import RunningChat
from .test_chat_browser import opened, quiet, send

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is a browser")
EVIL = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[RunningChat]:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "returns.md").write_text("# Returns\n\nA kettle may be sent back within thirty days.\n")
    (folder / "lamps.txt").write_text("Lamps are shipped in boxes of four. " * 300)
    (folder / f"{EVIL}.md".replace("/", "")).write_text(f"# {EVIL}\n\nBlankets {EVIL} are washed cold.\n")
    (folder / "photo.jpg").write_text("no page")
    database = open_database(str(tmp_path / "chat.db"))
    model = local("tiny-model", max_tokens=6)
    far = ScriptedModel("far-model")
    with chat_server.running(database, [model, far], Library(open_workspace(folder))) as found:
        yield found
    model.close(1.0)
    database.close()


@pytest.fixture
def page(chromium: Any, chat: RunningChat) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1100, "height": 800})
    made = opened(context, chat)
    made.wait_for_selector("#open-pages:visible")
    yield made
    context.close()


def ask(page: Any, text: str) -> None:
    before = page.locator(".reply .tools").count()
    send(page, text)
    page.wait_for_function("n => document.querySelectorAll('.reply .tools').length > n", arg=before)


def test_what_fits_is_found_and_shown_under_the_reply(page: Any, chat: RunningChat) -> None:
    ask(page, "May I send a kettle back?")
    assert page.locator(".cite-source").all_inner_texts() == ["[1] returns.md, Returns"]
    [reply] = chat.replies()
    assert reply.receipt is not None and "thirty days" in reply.messages[-1].content
    page.click(".cite-more")
    shown = page.inner_text("dialog[open]")
    assert f"{reply.receipt['prompt_tokens']} of" in shown and "Went in" in shown and "last message" in shown
    page.keyboard.press("Escape")
    page.click(".cite-source")
    page.wait_for_selector("dialog[open] >> text=A kettle may be sent back within thirty days.")
    quiet(page)


def test_a_page_is_pointed_at_and_summarised(page: Any, chat: RunningChat) -> None:
    page.click("#open-pages")
    assert page.inner_text("#page-count") == "3 of 3 pages"
    page.click("#unread summary")
    assert "photo.jpg" in page.inner_text("#unread")
    page.fill("#page-filter", "lamp")
    page.check("#page-list li:not([hidden]) input")
    assert page.is_checked('input[name=how][value="these"]')
    page.click("#pages .primary")
    page.click("text=Summarise")
    page.wait_for_selector(".reply .tools")
    assert page.locator(".cite-source").all_inner_texts() == ["[1] lamps.txt (cut)"]
    [reply] = chat.replies()
    assert reply.asked == "Summarise this page in a few sentences." and "boxes of four" in reply.messages[-1].content
    page.reload()
    page.wait_for_selector(".source >> text=lamps.txt")
    page.click('button[aria-label="Leave lamps.txt out"]')
    page.click('button[aria-label="Do not search the pages"]')
    ask(page, "Hello?")
    newest = max(chat.replies(), key=lambda one: one.time)
    assert newest.receipt is not None and {one["kind"] for one in newest.receipt["entries"]} <= {"question", "exchange"}
    quiet(page)


def test_a_citation_is_a_way_to_its_source(page: Any, chat: RunningChat) -> None:
    ask(page, "May I send a kettle back?")
    page.locator('button[aria-label="Edit the reply: show how it should read"]').click()
    page.fill(".editor", "Yes, within thirty days [1], it says [7].")
    page.click(".editing .primary")
    page.wait_for_selector("button.cite")
    assert page.locator("button.cite").all_inner_texts() == ["[1]"]
    assert page.locator(".reply .markdown").inner_text() == "Yes, within thirty days [1], it says [7]."
    page.click("button.cite")
    page.wait_for_selector("dialog[open] >> text=within thirty days.")
    quiet(page)


def test_a_page_that_is_not_to_be_trusted_stays_text(page: Any) -> None:
    ask(page, "How are blankets washed?")
    page.click(".cite-more")
    page.keyboard.press("Escape")
    page.locator(".cite-source").first.click()
    page.wait_for_selector("dialog[open] >> text=Blankets")
    page.keyboard.press("Escape")
    page.click("#open-pages")
    assert EVIL in page.inner_text("#page-list")
    assert page.evaluate("window.hacked === undefined") and page.locator("#page-list img, #thread img").count() == 0
    quiet(page)


def test_a_model_that_cannot_read_pages_says_so(page: Any, chat: RunningChat) -> None:
    page.click("#open-settings")
    page.select_option("#model", "far-model")
    page.click("#settings .primary")
    assert page.inner_text("#sources") == "This model cannot read pages."
    ask(page, "Hello?")
    assert chat.replies()[0].receipt is None and page.locator(".sources-line").count() == 0
    quiet(page)


def test_a_hint_comes_after_a_pause_and_goes_with_the_next_key(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/hints") else None)
    page.locator("#message").press_sequentially("Summarise this please", delay=10)
    page.wait_for_selector("#hints >> text=point at a page")
    assert len(asked) == 1
    page.keyboard.type(": ")
    assert page.inner_text("#hints") == ""
    page.fill("#message", "May I send a kettle back within ten days?")
    page.wait_for_timeout(1500)
    assert page.inner_text("#hints") == "" and len(asked) == 2
    quiet(page)
