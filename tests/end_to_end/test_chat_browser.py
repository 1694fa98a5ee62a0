"""The chat page in a real browser, over the real application; the models say what each test tells them to."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunesmith.serve.served_model import Ask
from tunesmith.store.database import open_database

from ..serve.chat.scripted import ScriptedModel
from . import browser, chat_server
from .chat_server import RunningChat

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is a browser")
WAIT_MS = 60_000
XSS = [
    "<script>window.hacked=1</script>",
    "<img src=x onerror='window.hacked=1'>",
    '"><svg onload=window.hacked=1>',
    "[x](javascript:window.hacked=1)",
    "[x](JaVaScRiPt:window.hacked=1)",
    "[x](\tjavascript:window.hacked=1)",
    "[x](java\u0000script:window.hacked=1)",
    "[x](data:text/html,<script>window.hacked=1</script>)",
    "[x](vbscript:window.hacked=1)",
    "[x](https://example.org/\"onmouseover=window.hacked=1)",
    "![x](https://evil.example/beacon.png)",
    '![x](x"onerror="window.hacked=1)',
    "<https://evil.example/?a=\"><script>window.hacked=1</script>>",
    "`<script>window.hacked=1</script>`",
    "```html\n<script>window.hacked=1</script>\n```",
    "```\"><img src=x onerror=window.hacked=1>\ntext\n```",
    "| <script>window.hacked=1</script> | b |\n|---|---|\n| <img src=x onerror=window.hacked=1> | d |",
    "> <iframe src='javascript:window.hacked=1'></iframe>",
    "- <a href='javascript:window.hacked=1'>x</a>",
    "# <h1 onclick=window.hacked=1>x</h1>",
    "<style>body{background:url(https://evil.example/)}</style>",
    "<base href='https://evil.example/'>",
    "<form action='https://evil.example/'><button>x</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1}",
    "</textarea></section></main><script>window.hacked=1</script>",
    "[a]: javascript:window.hacked=1\n[a]",
    "*<b onmouseover=window.hacked=1>x*</b>",
]  # fmt: skip


@pytest.fixture
def sft() -> ScriptedModel:
    return ScriptedModel("sft-model", say=lambda ask: ["Said by ", "the first."])


@pytest.fixture
def ppo() -> ScriptedModel:
    return ScriptedModel("ppo-model", say=lambda ask: ["Said by ", "the second."])


@pytest.fixture
def chat(tmp_path: Path, sft: ScriptedModel, ppo: ScriptedModel) -> Iterator[RunningChat]:
    database = open_database(str(tmp_path / "chat.db"))
    with chat_server.running(database, [sft, ppo]) as found:
        yield found
    database.close()


@pytest.fixture
def page(chromium: Any, chat: RunningChat) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1100, "height": 800})
    yield opened(context, chat)
    context.close()


def opened(context: Any, chat: RunningChat) -> Any:
    """Open the page; whatever goes wrong in its scripts, or leaves this server, fails the test at `quiet`."""
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("dialog", lambda dialog: page.problems.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: request.url.startswith(chat.address) or page.problems.append(request.url))
    page.goto(chat.page)
    page.wait_for_selector(".welcome")
    page.wait_for_function("() => document.querySelector('#open-settings .pill-text')?.textContent.includes('model')")
    return page


def quiet(page: Any) -> None:
    assert page.problems == []


def send(page: Any, text: str) -> None:
    page.fill("#message", text)
    page.keyboard.press("Enter")


def ask(page: Any, text: str) -> None:
    """Send a message and wait for the whole reply."""
    before = page.locator(".reply .tools, .vote").count()
    send(page, text)
    page.wait_for_function("n => document.querySelectorAll('.reply .tools, .vote').length > n", arg=before)


def press(page: Any, label: str) -> None:
    page.locator(f'button[aria-label="{label}"]').last.click()


def said(page: Any) -> list[str]:
    return [text.strip() for text in page.locator(".reply .markdown").all_inner_texts()]


def test_a_reply_is_shown_while_it_comes(page: Any, chat: RunningChat, sft: ScriptedModel) -> None:
    sft.gate.clear()
    send(page, "Hello?")
    page.wait_for_function("() => document.querySelector('.live')?.textContent.trim() === 'Said by'")
    assert page.locator("#stop").is_visible() and page.locator("#send").is_hidden() and chat.replies() == []
    sft.gate.set()
    page.wait_for_selector(".reply .tools")
    assert said(page) == ["Said by the first."]
    [reply] = chat.replies()
    assert (reply.asked, reply.completion, reply.finish_reason) == ("Hello?", "Said by the first.", "stop")
    assert page.inner_text(".about").startswith("sft-model")
    quiet(page)


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_stop_really_stops(page: Any, chat: RunningChat, sft: ScriptedModel, how: str) -> None:
    sft.say, sft.pause_s = lambda ask: itertools.repeat("on and "), 0.02
    send(page, "Go on for ever.")
    page.wait_for_function("() => document.querySelector('.live')?.textContent.length > 60")
    page.click("#stop") if how == "button" else page.keyboard.press("Escape")
    page.wait_for_selector(".reply .tools")
    pieces = sft.pieces
    time.sleep(0.3)
    assert sft.pieces == pieces and sft.closed == 1
    [reply] = chat.replies()
    assert reply.finish_reason == "cancelled" and reply.completion.startswith("on and on and ")
    assert "stopped" in page.inner_text(".about")
    quiet(page)


def test_texts_stay_texts(page: Any, chat: RunningChat, sft: ScriptedModel) -> None:
    """Every payload as the person's words, as the reply, as a title, as a system prompt, and as an edit."""
    evil = "\n\n".join(XSS)
    sft.say = lambda ask: [evil[at : at + 40] for at in range(0, len(evil), 40)]
    page.click("#open-settings")
    page.fill("#system", evil)
    page.press("#system", "Tab")
    page.click("#settings .primary")
    page.fill("#message", evil)
    page.click("#send")
    page.wait_for_selector(".reply .tools")
    assert chat.replies()[0].completion == evil
    press(page, "Edit the reply: show how it should read")
    page.fill(".editor", f"{evil} edited")
    page.click(".editing .primary")
    page.wait_for_selector("text=edited by you")
    page.reload()
    page.wait_for_selector(".reply .tools")
    for point in page.locator(".markdown a, .markdown td, .markdown h2, .markdown em").all():
        point.hover()
    assert page.evaluate("window.hacked === undefined")
    assert (
        page.evaluate(
            "document.querySelectorAll('#thread :is(script, img, iframe, style, base, form, meta, object), "
            "#thread svg:not(.icon), #talks :is(script, img)').length"
        )
        == 0
    )
    assert (
        page.evaluate(
            "[...document.querySelectorAll('#thread *')].flatMap((one) => [...one.attributes].map((a) => a.name))"
            ".filter((name) => name.startsWith('on') || name === 'style').length"
        )
        == 0
    )
    links = page.locator("#thread a").evaluate_all("all => all.map((one) => one.protocol)")
    assert links and set(links) <= {"http:", "https:", "mailto:"}
    assert "<script>window.hacked=1</script>" in page.inner_text(".bubble")
    quiet(page)


def test_markdown(page: Any, sft: ScriptedModel) -> None:
    text = (
        "# Head\n\n1. one **bold** and *thin* `code*d*`\n   - inner\n2. two\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n"
        "```python\nx = '<b>'\n```\n> said\n\na snake_case_name, 2 * 3 * 4, https://example.org/a_b. \\*plain\\*\n"
        "line two\n\n"
        "- [x] done\n- [ ] open\n\n```\nnever closed **here**"
    )
    sft.say = lambda ask: list(text)
    ask(page, "Show it.")
    shown = page.locator(".reply .markdown")
    assert shown.locator("h2").inner_text() == "Head"
    assert shown.locator("ol > li").count() == 2 and shown.locator("ol ul li").inner_text() == "inner"
    assert [shown.locator(tag).first.inner_text() for tag in ("strong", "em", "del")] == ["bold", "thin", "2"]
    assert shown.locator("li code").inner_text() == "code*d*"
    assert shown.locator("pre").all_inner_texts() == ["x = '<b>'", "never closed **here**"]
    assert shown.locator("blockquote").inner_text() == "said"
    assert shown.locator("p a").get_attribute("href") == "https://example.org/a_b"
    assert "a snake_case_name, 2 * 3 * 4, https://example.org/a_b. *plain*\nline two" in shown.inner_text()
    assert shown.locator("em").count() == 1 and shown.locator(".box").all_inner_texts() == ["☑", "☐"]
    quiet(page)


def test_long_and_broken_markdown_does_not_hang(page: Any) -> None:
    """Quadratic parsing of any of these would take minutes; each must take less than two seconds."""
    for text in ("*" * 20_000, "[" * 20_000, "`" * 9_999 + "x", "**a " * 10_000, "> " * 5_000, "_a*b" * 10_000,
                 "- " * 5_000, "|" * 20_000, "[a](" * 10_000, "http://" * 5_000, "~~~" * 9_999):  # fmt: skip
        seconds = page.evaluate(
            "async text => { const { showMarkdown } = await import('/static/markdown.js'); const t = performance.now();"
            " const box = document.createElement('div'); showMarkdown(box, text);"
            " return (performance.now() - t) / 1000; }", text,
        )  # fmt: skip
        assert seconds < 30, text[:10]  # a hang, not a timing: the machine may be busy
    quiet(page)


def test_a_blind_vote_becomes_a_ranking(page: Any, chat: RunningChat) -> None:
    page.check("#consent")
    page.click("#side-by-side")
    ask(page, "Which is better?")
    assert page.locator(".pair-card").count() == 2 and "-model" not in page.inner_text("#thread")
    send(page, "Going on without a vote?")
    page.wait_for_function("() => document.activeElement.dataset.choice === 'first'")
    assert len(chat.replies()) == 2 and page.input_value("#message") == "Going on without a vote?"
    page.reload()
    page.wait_for_selector(".vote")
    assert "-model" not in page.inner_text("#thread") and chat.rankings() == []
    second = page.locator(".pair-card .markdown").nth(1).inner_text()
    page.locator("#main").click(position={"x": 5, "y": 5})
    page.keyboard.press("2")
    page.wait_for_selector(".revealed")
    names = page.locator(".revealed").all_inner_texts()
    assert sorted(names) == ["ppo-model", "sft-model"]
    [record] = chat.rankings()
    texts = {one.id: (one.text, one.model) for one in record.completions}
    [[best], [worse]] = record.rankings[0].order
    assert texts[best] == (second, names[1]) and texts[worse][1] == names[0]
    assert record.messages[-1].content == "Which is better?"
    page.click("#side-by-side")
    ask(page, "And on it goes.")
    newest = max(chat.replies(), key=lambda one: one.time)
    assert newest.parent_id == best and newest.messages[1].content == second
    quiet(page)


def test_an_edit_becomes_a_demonstration(page: Any, chat: RunningChat) -> None:
    page.check("#consent")
    ask(page, "Write it well.")
    press(page, "Edit the reply: show how it should read")
    page.fill(".editor", "Written **well**.")
    page.click(".editing .primary")
    page.wait_for_selector("text=edited by you")
    assert said(page) == ["Written well."]
    [shown] = chat.demonstrations()
    assert [one.content for one in shown.messages] == ["Write it well.", "Written **well**."]
    [record] = chat.rankings()
    assert record.completions[0].text == "Written **well**." and record.rankings[0].order[0] == (
        record.completions[0].id,
    )
    ask(page, "And then?")
    assert chat.replies()[-1].messages[1].content == "Written **well**."
    quiet(page)


def test_nothing_is_exported_without_consent(page: Any, chat: RunningChat) -> None:
    ask(page, "Hello?")
    press(page, "Edit the reply: show how it should read")
    page.fill(".editor", "Private.")
    page.click(".editing .primary")
    page.wait_for_selector("text=edited by you")
    assert chat.demonstrations() == [] and len(chat.feedback()) == 1
    with page.expect_response(re.compile("consent$")):
        page.check("#consent")
    assert len(chat.demonstrations()) == 1
    with page.expect_response(re.compile("consent$")):
        page.uncheck("#consent")
    assert chat.demonstrations() == []


def test_regenerate_thumbs_and_other_words(page: Any, chat: RunningChat, sft: ScriptedModel) -> None:
    page.check("#consent")
    numbers = itertools.count(1)
    sft.say = lambda ask: [f"Reply {next(numbers)}."]
    ask(page, "First words")
    press(page, "Regenerate")
    page.wait_for_selector("text=2/2")
    assert said(page) == ["Reply 2."]
    press(page, "Reply: the one before")
    assert said(page) == ["Reply 1."]
    press(page, "Reply: the next one")
    press(page, "Good reply")
    page.wait_for_selector('button[aria-label="Good reply"][aria-pressed="true"]')
    press(page, "Bad reply")
    page.wait_for_selector('button[aria-label="Bad reply"][aria-pressed="true"]')
    assert page.locator('button[aria-label="Good reply"][aria-pressed="true"]').count() == 0
    ask(page, "Go on")
    [record] = chat.rankings(regenerations=True)
    texts = {one.id: one.text for one in record.completions}
    assert [[texts[name] for name in group] for group in record.rankings[0].order] == [["Reply 2."], ["Reply 1."]]
    page.locator(".asked").first.hover()
    page.locator('button[aria-label="Edit your message and ask again"]').first.click()
    page.fill(".editor", "Other words")
    page.click(".editing .primary")
    page.wait_for_selector("text=Reply 4.")
    assert said(page) == ["Reply 4."] and page.locator(".bubble").all_inner_texts() == ["Other words"]
    press(page, "Version of your message: the one before")
    assert said(page) == ["Reply 2.", "Reply 3."]
    quiet(page)


def test_settings_reach_the_model_and_outlive_the_page(page: Any, sft: ScriptedModel, ppo: ScriptedModel) -> None:
    page.click("#open-settings")
    page.select_option("#model", "ppo-model")
    page.fill("#system", "Be brief.")
    page.fill("#temperature", "0.3")
    page.fill("#max-tokens", "77")
    page.press("#max-tokens", "Tab")
    page.click("#settings .primary")
    page.reload()
    page.wait_for_selector("#open-settings >> text=ppo-model")
    ask(page, "Hello?")
    [got] = ppo.asks
    assert (got.temperature, got.max_tokens, sft.asks) == (0.3, 77, [])
    assert [(one.role, one.content) for one in got.messages] == [("system", "Be brief."), ("user", "Hello?")]


def test_what_people_do_with_text(page: Any, sft: ScriptedModel) -> None:
    page.click("text=Summarise")
    page.wait_for_selector("text=Paste or write the text first")
    for label, words in [("Summarise", "Summarise"), ("Action items", "action items"),
                         ("Fix spelling and grammar", "spelling"), ("Rewrite", "clear")]:  # fmt: skip
        page.fill("#message", "A long text.\nWith two lines.")
        before = len(sft.asks)
        page.click(f".chip >> text={label}")
        page.wait_for_function("n => document.querySelectorAll('.reply .tools').length > n", arg=before)
        content = sft.asks[-1].messages[-1].content
        assert words in content and content.endswith(":\n\nA long text.\nWith two lines.")
    page.fill("#message", "Hi there.")
    page.select_option("select.chip", label="More formal")
    page.wait_for_function("() => document.querySelectorAll('.reply .tools').length > 4")
    assert "formal" in sft.asks[-1].messages[-1].content


def test_conversations_come_back_and_go_for_good(page: Any, chat: RunningChat) -> None:
    ask(page, "The first one")
    page.click("#new-talk")
    page.wait_for_selector(".welcome")
    ask(page, "The second one")
    page.wait_for_function("() => document.querySelectorAll('#talks li').length === 2")
    assert [text.strip() for text in page.locator("#talks a").all_inner_texts()] == ["The second one", "The first one"]
    page.click("#talks a >> text=The first one")
    page.wait_for_selector(".bubble >> text=The first one")
    page.hover("#talks li.current")
    page.click('button[aria-label="Delete The first one"]')
    page.click("dialog .danger")
    page.wait_for_selector(".welcome")
    page.wait_for_function("() => document.querySelectorAll('#talks li').length === 1")
    assert [one.asked for one in chat.replies()] == ["The second one"]
    quiet(page)


def test_a_server_that_fails_loses_no_words(page: Any, chat: RunningChat, sft: ScriptedModel) -> None:
    def fail(ask: Ask) -> Iterator[str]:
        yield "half "
        raise RuntimeError("the model broke")

    sft.say = fail
    send(page, "Careful words")
    page.wait_for_selector(".notice")
    page.wait_for_function("() => document.querySelector('#message').value === 'Careful words'")
    assert page.locator("#send").is_visible()


def test_the_shipped_model_through_the_real_engine(chromium: Any, tmp_path: Path) -> None:
    from tunesmith.desk.weights import shipped_base
    from tunesmith.model.adapt import make_chat_model
    from tunesmith.model.load import load_model
    from tunesmith.serve.engine import BatchLimits
    from tunesmith.serve.local_model import LocalModel

    folder = shipped_base()
    model = LocalModel(
        make_chat_model(load_model(folder)), name="desk-model", folder=str(folder), max_tokens=64, batch=BatchLimits()
    )
    database = open_database(str(tmp_path / "chat.db"))
    context = chromium.new_context()
    try:
        with chat_server.running(database, [model]) as chat:
            page = opened(context, chat)
            assert page.locator("#side-by-side").is_hidden()
            page.click("#open-settings")
            page.fill("#max-tokens", "24")
            page.press("#max-tokens", "Tab")
            page.click("#settings .primary")
            ask(page, "Where is my parcel?")
            [reply] = chat.replies()
            assert reply.completion.strip() and 0 < reply.timings["completion_tokens"] <= 24
            # Letters only: the reply is drawn at random, and a dash or a digit may begin a list on the page.
            shown, written = (re.sub(r"[^a-z]", "", text.lower()) for text in (said(page)[0], reply.completion))
            assert shown == written
            assert reply.origin["folder"] == str(folder) and "tokens/s" in page.inner_text(".about")
            quiet(page)
    finally:
        context.close()
        model.close(0.0)
        database.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_scrolls_sideways(
    chromium: Any, chat: RunningChat, sft: ScriptedModel, ppo: ScriptedModel, scheme: str
) -> None:
    wide = (
        "w" * 300
        + "\n\n| "
        + " | ".join(["column"] * 12)
        + " |\n|"
        + "---|" * 12
        + "\n\n```\n"
        + "code " * 80
        + "\n```"
    )
    sft.say = ppo.say = lambda ask: [wide]
    context = chromium.new_context(
        viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True, color_scheme=scheme
    )
    page = opened(context, chat)

    def fits() -> bool:
        return bool(page.evaluate("Math.max(document.documentElement.scrollWidth, innerWidth, "
                                  "document.querySelector('#main').scrollWidth) <= 360"))  # fmt: skip

    assert fits()
    ask(page, "x" * 200)
    assert fits()
    page.click("#side-by-side")
    ask(page, "And two?")
    assert fits()
    page.locator(".vote button").first.tap()
    page.wait_for_selector(".revealed")
    assert fits()
    page.tap("#open-settings")
    assert fits()
    page.tap("#settings .primary")
    page.tap("#open-side")
    page.wait_for_selector("#side.shown")
    page.tap("#new-talk")
    page.wait_for_selector(".welcome")
    small = page.locator("button:visible, select:visible").evaluate_all(
        "all => all.filter((one) => one.getBoundingClientRect().height < 24).map((one) => one.outerHTML)"
    )
    assert small == []
    context.close()


def test_everything_by_keyboard(page: Any, chat: RunningChat) -> None:
    """From the message box: ask, rate, change a setting, go side by side, vote; no pointer."""
    page.keyboard.type("Line one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("line two")
    page.keyboard.press("Enter")
    page.wait_for_selector(".reply .tools")
    assert chat.replies()[0].asked == "Line one\nline two"
    reach(page, "Good reply")
    page.keyboard.press("Enter")
    page.wait_for_selector('button[aria-label="Good reply"][aria-pressed="true"]')
    reach(page, "Side by side")
    page.keyboard.press("Space")
    page.keyboard.press("/")
    page.keyboard.type("Two, please")
    page.keyboard.press("Enter")
    page.wait_for_selector(".vote")
    reach(page, "3")
    page.keyboard.press("Enter")
    page.wait_for_selector(".revealed")
    reach(page, "Model and settings")
    page.keyboard.press("Enter")
    page.wait_for_selector("#settings[open]")
    page.keyboard.press("Escape")
    assert page.locator("#settings[open]").count() == 0
    assert [event.kind for event in chat.feedback()] == ["thumb", "vote"]
    quiet(page)


def reach(page: Any, start: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate("(document.activeElement.ariaLabel ?? document.activeElement.innerText ?? '').trim()")
        if name.startswith(start):
            return
    raise AssertionError(f"{start!r} cannot be reached by keyboard")


def test_everything_that_can_be_pressed_has_a_name(page: Any) -> None:
    ask(page, "Hello?")
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, a, input, select, textarea')].filter((one) => !(one.ariaLabel || "
        "one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML)"
    )
    assert nameless == []


def test_what_is_sent_before_the_script_is_there_stays_in_the_box(chromium: Any, chat: RunningChat) -> None:
    """The browser's own submit would load the page anew, without it."""
    context = chromium.new_context()
    page = context.new_page()
    held: list[Any] = []
    page.route("**/static/chat.js", lambda route: held.append(route))
    page.goto(chat.page, wait_until="commit")
    page.fill("#message", "Are you there?")
    page.click("#send", force=True)
    page.wait_for_timeout(300)
    assert page.url == chat.page and page.input_value("#message") == "Are you there?" and len(held) == 1
    context.close()
