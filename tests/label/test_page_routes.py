from __future__ import annotations

import re
from pathlib import Path

from tunesmith.label import page_routes
from tunesmith.label.flags import FLAGS
from tunesmith.web import assets

from .scene import Scene, ranking

SHARED = Path(assets.__file__).parent / "static"

PAYLOADS = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'-alert(1)-'", "{{ 7*7 }}", "{% raw %}",
    "javascript:alert(1)", "</textarea><svg onload=alert(1)>", "&lt;b&gt;", "<b>", "]]>",
]  # fmt: skip


def test_every_page_opens_and_shows_text_as_text(scene: Scene) -> None:
    """Names and texts that try to be markup, on every page: no tag that the templates do not have themselves."""
    evil = " ".join(PAYLOADS)
    task = scene.task(ranking(), name=PAYLOADS[0])
    admin = scene.caller(PAYLOADS[1][:30], "admin", skills=(PAYLOADS[1],))
    admin.post(f"/api/tasks/{task.id}/guideline", {"text": evil})
    page = admin.next(task)
    admin.post(f"/api/items/{page['item']['id']}/skip", {"key": "0" * 20, "reason": evil})
    for path in ("/", "/account", "/work/1", "/tasks/1", "/tasks/1/review", "/tasks/1/review/1", "/people", "/audit"):
        answer = admin.get(path)
        assert answer.status_code == 200, path
        assert not re.search(r"<(?:img|b>|script(?! type=.module. src=))|onload=alert[^&]*>|49", answer.text), path


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(scene: Scene) -> None:
    task = scene.task(ranking())
    admin = scene.caller("ada", "admin")
    for path in ("/login", "/", f"/work/{task.id}", f"/tasks/{task.id}", "/people"):
        text = admin.get(path).text
        assert not re.search(r"(?:src|href|action)=.(?:https?:)?//", text) and not re.search(r"\son\w+=|style=", text)


def test_static_files_are_the_named_ones(scene: Scene) -> None:
    caller = scene.stranger()
    for name in ("desk.css", "desk.js", "icon.svg", "page.css", "page.js"):
        assert caller.get(f"/static/{name}").status_code == 200
    for name in ("app.py", "..%2fapp.py", "../app.py", "desk.css%00"):
        assert caller.get(f"/static/{name}").status_code == 404


def test_the_script_only_makes_text_nodes() -> None:
    for script in (Path(page_routes.__file__).parent / "static" / "desk.js", *SHARED.glob("*.js")):
        assert_no_markup(script.read_text(encoding="utf-8"))


def assert_no_markup(script: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script)


def test_keys_of_flags_do_not_collide_with_the_page_s_own() -> None:
    keys = [flag.key for flag in FLAGS]
    assert len(set(keys)) == len(keys) and not set(keys) & set("jksuxy=?1234567")


def test_labelers_see_no_pages_of_leads_in_the_menu(scene: Scene) -> None:
    scene.task(ranking())
    text = scene.caller("ann").get("/").text
    assert "/people" not in text and "/audit" not in text and "/work/1" in text
    text = scene.caller("vic", "viewer").get("/").text
    assert "/work/1" not in text and "/tasks/1" in text


def test_colours_have_contrast_in_light_and_dark() -> None:
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for the edges of what can be pressed."""
    style = (SHARED / "page.css").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in style.split("@media", 2)[:2])
    texts = [("ink", "paper"), ("ink", "surface"), ("ink", "raised"), ("muted", "paper"), ("muted", "surface")]
    texts += [("muted", "raised"), ("accent", "surface"), ("accent-ink", "accent"), ("ink", "accent-soft")]
    texts += [("warn", "warn-soft"), ("bad", "bad-soft"), ("bad", "surface"), ("accent", "paper")]
    for colours in (light, dark):
        assert {pair: ratio for pair in texts if (ratio := contrast(*(colours[name] for name in pair))) < 4.5} == {}
        assert contrast(colours["edge"], colours["surface"]) >= 3


def contrast(one: str, two: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(two)))
    return (light + 0.05) / (dark + 0.05)


def test_no_form_can_be_sent_before_the_script_is_there() -> None:
    """A browser's own submit would put the fields, passwords among them, into the address: buttons come disabled."""
    templates = Path(page_routes.__file__).parent / "templates"
    forms = [
        form for path in templates.glob("*.html") for form in re.findall(r"<form.*?</form>", path.read_text(), re.S)
    ]
    buttons = [re.findall(r"<button(?![^>]*type=.button.)[^>]*>", form) for form in forms]
    assert len(forms) > 9 and all(len(found) == 1 and " disabled" in found[0] for found in buttons)
