from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tunesmith.core.opaque_token import hash_token
from tunesmith.serve.app import create_app
from tunesmith.serve.chat.mount import chat_page
from tunesmith.serve.settings import ServeSettings
from tunesmith.store.database import Database

from .scripted import ScriptedModel

ANN, BOB = "a" * 20, "b" * 20


@dataclass
class Page:
    """The page's calls, without a browser."""

    client: TestClient
    key: str = ""
    keys: int = 0

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.headers(), follow_redirects=False)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, json={} if body is None else body, headers=self.headers())

    def begin(self, *, consent: bool = True) -> str:
        made = self.post("/chat/api/conversations", {"title": "A talk", "consent": consent}).json()
        return str(made["conversation"]["id"])

    def state(self, talk: str) -> Any:
        return self.get(f"/chat/api/conversations/{talk}").json()

    def ask(self, talk: str, text: str = "Hello?", model: str = "sft", **metadata: str) -> str:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "metadata": {"conversation": talk, **metadata},
        }
        return str(self.post("/v1/chat/completions", body).json()["id"])

    def say(self, talk: str, kind: str, reply: str, other: str | None = None, **payload: str) -> Any:
        self.keys += 1
        body = {"key": f"{self.keys:020d}", "kind": kind, "reply": reply, "other": other, "payload": payload}
        return self.post(f"/chat/api/conversations/{talk}/feedback", body)


@pytest.fixture
def server(database: Database) -> Iterator[Any]:
    """Return a function that opens a page, with a key or without."""
    with ExitStack() as stack:

        def opened(key: str = "", *, keyed: bool = False) -> Page:
            models = [ScriptedModel("sft"), ScriptedModel("ppo", say=lambda ask: ["No."])]
            keys = {hash_token(ANN): "ann", hash_token(BOB): "bob"} if keyed else {}
            names = [one.name for one in models]
            app = create_app(ServeSettings(keys=keys), models, **chat_page(database, names))
            client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
            return Page(stack.enter_context(client), key)

        yield opened


@pytest.fixture
def page(server: Any) -> Page:
    return server()  # type: ignore[no-any-return]


def test_a_turn_and_what_is_said_about_it(page: Page) -> None:
    talk = page.begin()
    first = page.ask(talk)
    second = page.ask(talk, "And now?", parent=first)
    assert page.say(talk, "thumb", second, value="up").status_code == 200
    assert page.say(talk, "edit", second, text="Now, yes.").status_code == 200
    state = page.state(talk)
    assert [(one["id"], one["parent"], one["asked"]) for one in state["replies"]] == [
        (first, None, "Hello?"), (second, first, "And now?"),
    ]  # fmt: skip
    assert state["replies"][0]["completion"] == "All right." and state["replies"][0]["model"] == "sft"
    assert [one["kind"] for one in state["feedback"]] == ["thumb", "edit"]
    assert page.get("/chat/api/models").json() == {
        "models": ["sft", "ppo"], "max_tokens": 1024, "fitted": {}, "workspace": False,
    }  # fmt: skip


def test_nobody_is_told_who_wrote_what_before_the_vote(page: Page) -> None:
    talk = page.begin()
    drawn = page.post(f"/chat/api/conversations/{talk}/pair", {"models": ["sft", "ppo"]}).json()
    ids = {model: page.ask(talk, model=model, pair=drawn["pair"]) for model in ("sft", "ppo")}
    before = page.state(talk)["replies"]
    assert [one["id"] for one in before] == [ids[model] for model in drawn["models"]]
    assert {one["model"] for one in before} == {""} and all(not one["timings"] for one in before)
    one, two = (reply["id"] for reply in before)
    assert page.say(talk, "vote", one, two, choice="first").status_code == 200
    assert [reply["model"] for reply in page.state(talk)["replies"]] == drawn["models"]
    assert page.say(talk, "vote", one, two, choice="second").status_code == 409


def test_what_is_wrong_is_named_and_never_a_500(page: Page) -> None:
    talk = page.begin()
    reply = page.ask(talk)
    for status, answer in [
        (404, page.get("/chat/api/conversations/" + "0" * 24)),
        (422, page.get("/chat/api/conversations/nonsense")),
        (422, page.post("/chat/api/conversations", {"title": 3, "consent": True})),
        (422, page.post("/chat/api/conversations", {"title": "x", "consent": True, "more": 1})),
        (404, page.say(talk, "thumb", "chatcmpl-none", value="up")),
        (422, page.say(talk, "thumb", reply, value="sideways")),
        (422, page.say(talk, "thumb", reply, reply, value="up")),
        (422, page.say(talk, "song", reply)),
        (422, page.say(talk, "thumb", "a\x00b", value="up")),
        (422, page.post("/chat/api/conversations", {"title": "a\x00b", "consent": True})),
        (422, page.post(f"/chat/api/conversations/{talk}/pair", {"models": ["sft", "sft"]})),
        (404, page.get("/static/routes.py")),
    ]:
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["message"]


def test_erasing_and_consent(page: Page) -> None:
    talk = page.begin(consent=False)
    assert page.post(f"/chat/api/conversations/{talk}/consent", {"consent": True}).json() == {"consent": True}
    [line] = page.get("/chat/api/conversations").json()["conversations"]
    assert line["consent"] is True and line["title"] == "A talk"
    assert page.post(f"/chat/api/conversations/{talk}/erase").status_code == 200
    assert page.get("/chat/api/conversations").json()["conversations"] == []
    assert page.get(f"/chat/api/conversations/{talk}").status_code == 404


def test_with_keys_each_has_their_own(server: Any) -> None:
    ann, bob, nobody = server(ANN, keyed=True), server(BOB, keyed=True), server(keyed=True)
    talk = ann.begin()
    reply = ann.ask(talk)
    assert ann.state(talk)["replies"][0]["id"] == reply
    assert bob.get(f"/chat/api/conversations/{talk}").status_code == 404
    assert bob.say(talk, "thumb", reply, value="up").status_code == 404
    assert bob.get("/chat/api/conversations").json()["conversations"] == []
    for path in ("conversations", f"conversations/{talk}", "models"):
        assert nobody.get(f"/chat/api/{path}").status_code == 401
    assert nobody.get("/chat").status_code == 200 and nobody.get("/static/chat.js").status_code == 200


def test_a_foreign_page_cannot_speak_for_anybody(page: Page) -> None:
    talk = page.begin()
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        path = f"/chat/api/conversations/{talk}/erase"
        assert page.client.post(path, json={}, headers=headers).status_code == 403
    assert page.client.post(path, content="{}", headers={"Content-Type": "text/plain"}).status_code == 415
