"""Pages on the server: chosen, fitted, accounted for, shown; and never one from outside the workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tunesmith.context.library import Library
from tunesmith.context.workspace import open_workspace
from tunesmith.core.opaque_token import hash_token
from tunesmith.serve.app import create_app
from tunesmith.serve.chat.mount import chat_page
from tunesmith.serve.settings import ServeSettings
from tunesmith.store.database import Database

from ..scene import local
from .scripted import ScriptedModel
from .test_routes import ANN, Page

RETURNS = "# Returns\n\nA kettle may be sent back within thirty days.\n"
SECRET = "The vault's code is 4711."


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    made = local(max_tokens=8, positions=512)
    yield made
    made.close(1.0)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    outside = tmp_path / "secret.txt"
    outside.write_text(SECRET)
    folder = tmp_path / "pages"
    (folder / "deep").mkdir(parents=True)
    (folder / "returns.md").write_text(RETURNS)
    (folder / "deep" / "long.txt").write_text("Lamps are shipped in boxes of four. " * 400)
    (folder / "photo.jpg").write_text("no page")
    os.symlink(outside, folder / "link.txt")
    return folder


@pytest.fixture
def page(database: Database, model: Any, workspace: Path) -> Iterator[Page]:
    with served(database, [model, ScriptedModel("upstream")], workspace) as found:
        yield found


class served:  # a context manager, named as it reads
    def __init__(self, database: Database, models: list[Any], workspace: Path | None, *, keys: Any = None) -> None:
        library = Library(open_workspace(workspace)) if workspace else None
        names = [one.name for one in models]
        app = create_app(ServeSettings(keys=keys or {}), models, **chat_page(database, names, library))
        self.app = app
        self._client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
        self._stack = ExitStack()

    def __enter__(self) -> Page:
        return Page(self._stack.enter_context(self._client))

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def asked(page: Page, text: str, *, model: str = "tiny", talk: str | None = None, **context: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 8, "context": context}
    return page.post("/v1/chat/completions", {**body, "metadata": {"conversation": talk} if talk else {}})


def test_the_page_pointed_at_is_read_and_accounted_for(page: Page) -> None:
    talk = page.begin()
    answer = asked(page, "Summarise this page.", talk=talk, pages=["returns.md"]).json()
    [reply] = page.state(talk)["replies"]
    assert reply["receipt"] == answer["receipt"] and reply["asked"] == "Summarise this page."
    [entry] = [one for one in reply["receipt"]["entries"] if one["kind"] == "page"]
    assert (entry["name"], entry["state"], entry["label"]) == ("returns.md", "whole", "[1] returns.md")
    assert answer["usage"]["prompt_tokens"] == reply["receipt"]["prompt_tokens"]
    assert sum(one["tokens"] for one in reply["receipt"]["entries"]) == reply["receipt"]["prompt_tokens"]


def test_what_is_stored_is_what_the_model_read(page: Page, database: Database) -> None:
    from tunesmith.store.conversation.replies import get_reply

    name = asked(page, "May I send a kettle back?", talk=page.begin(), passages=5).json()["id"]
    with database.read() as connection:
        kept = get_reply(connection, name)
    assert kept.asked == "May I send a kettle back?"
    assert "sent back within thirty days" in kept.messages[-1].content
    assert kept.messages[-1].content.endswith("May I send a kettle back?")


def test_retrieval_chooses_and_says_what_it_left_out(page: Page) -> None:
    receipt = asked(page, "How are lamps shipped?", passages=50).json()["receipt"]
    found = [one for one in receipt["entries"] if one["kind"] == "passage"]
    assert {one["name"] for one in found} == {"deep/long.txt"} and receipt["passages_searched"] > len(found) - 1
    assert {one["state"] for one in found} == {"cut", "out"}
    assert all(one["reason"] == "found, did not fit" for one in found if one["state"] == "out")
    assert receipt["prompt_tokens"] + receipt["max_tokens"] <= receipt["max_length"] == 512


def test_a_long_history_goes_from_its_old_end_instead_of_a_refusal(page: Page) -> None:
    said = "words and more words " * 30
    old = [{"role": role, "content": said} for _ in range(9) for role in ("user", "assistant")]
    body = {"model": "tiny", "messages": [*old, {"role": "user", "content": "And now?"}], "max_tokens": 8}
    refused = page.post("/v1/chat/completions", body)
    assert refused.status_code == 400 and refused.json()["error"]["code"] == "context_length_exceeded"
    receipt = page.post("/v1/chat/completions", {**body, "context": {}}).json()["receipt"]
    states = [one["state"] for one in receipt["entries"] if one["kind"] == "exchange"]
    assert len(states) == 9 and states == sorted(states, reverse=True) and states[-1] == "out"


def test_the_receipt_comes_with_a_stream_too(page: Page) -> None:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "Kettles?"}], "max_tokens": 4, "stream": True}
    text = page.post("/v1/chat/completions", {**body, "context": {"pages": ["returns.md"]}}).text
    assert text.count('"receipt"') == 1 and text.index('"receipt"') < text.index("[DONE]")
    assert '"receipt"' not in page.post("/v1/chat/completions", body).text


OUTSIDE = ["../secret.txt", "link.txt", "/etc/hostname", "deep/../../secret.txt", "pages/../secret.txt", "photo.jpg",
           "deep", ".", "", "returns.md\0", "file:///etc/hostname", "..\\secret.txt", "%2e%2e/secret.txt"]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_never_a_page_outside_the_workspace(page: Page, name: str) -> None:
    answer = asked(page, "Summarise this page.", pages=[name])
    assert answer.status_code == 400 and answer.json()["error"]["param"].startswith("context.pages"), answer.text
    shown = page.post("/chat/api/pages/text", {"name": name})
    assert shown.status_code == (422 if "\0" in name else 404)
    assert SECRET not in answer.text + shown.text


def test_the_list_shows_pages_and_names_what_was_not_read(page: Page) -> None:
    listed = page.get("/chat/api/pages").json()
    assert [one["name"] for one in listed["pages"]] == ["deep/long.txt", "returns.md"]
    assert {one["name"] for one in listed["unread"]} == {"link.txt", "photo.jpg"}
    shown = page.post("/chat/api/pages/text", {"name": "returns.md"}).json()
    assert "thirty days" in shown["text"] and shown["left_out"] == 0
    known = page.get("/chat/api/models").json()
    assert known["workspace"] is True and known["fitted"] == {"tiny": 512}


def test_what_cannot_be_is_named(database: Database, page: Page, model: Any) -> None:
    for answer, code in [
        (asked(page, "word " * 2000), "context_length_exceeded"),
        (asked(page, "x", pages=["kettles.md"]), "no_such_page"),
        (asked(page, "x", pages=["returns.md"] * 51), "invalid_value"),
        (asked(page, "x", passages=101), "invalid_value"),
        (asked(page, "x", folder="/"), "unsupported_parameter"),
    ]:
        assert answer.status_code == 400 and answer.json()["error"]["code"] == code, answer.text
    with served(database, [model], None) as bare:
        assert asked(bare, "x", passages=3).json()["error"]["code"] == "no_workspace"
        assert asked(bare, "x").status_code == 200
        assert bare.get("/chat/api/pages").json() == {"pages": [], "unread": []}


def test_hints(page: Page) -> None:
    def kinds(text: str, *, first: bool = True, has_pages: bool = False) -> list[str]:
        body = {"text": text, "first": first, "has_pages": has_pages}
        return [one["kind"] for one in page.post("/chat/api/hints", body).json()["hints"]]

    assert kinds("Summarise this please") == ["no_material"]
    assert kinds("Summarise this please", has_pages=True) == []
    assert kinds("Which kettles may be sent back?") == []
    assert page.post("/chat/api/hints", {"text": "x" * 20_001, "first": True, "has_pages": False}).status_code == 422


def all_routes(routes: Any) -> Iterator[Any]:
    for route in routes:
        if hasattr(route, "original_router"):  # how FastAPI keeps a router that was included
            yield from all_routes(route.original_router.routes)
        else:
            yield route


def test_every_route_asks_for_a_key_but_the_declared_ones(database: Database, model: Any, workspace: Path) -> None:
    """Default deny: whoever adds a route must say here if it is open."""
    open_routes = {"/healthz", "/readyz", "/chat", "/static/{name}"}
    with served(database, [model], workspace, keys={hash_token(ANN): "ann"}) as page:
        seen = set()
        for route in all_routes(page.client.app.api.routes):  # type: ignore[attr-defined]
            for method in sorted(route.methods - {"HEAD"}):
                path = route.path.replace("{name:path}", "tiny").replace("{name}", "a" * 24)
                body = {} if method == "POST" else None
                answer = page.client.request(method, path, json=body, follow_redirects=False)
                refused = answer.status_code == 401
                assert refused is not (route.path in open_routes), (method, route.path, answer.status_code)
                seen.add(route.path)
    assert seen >= open_routes | {"/chat/api/pages", "/chat/api/pages/text", "/chat/api/hints", "/metrics"}
