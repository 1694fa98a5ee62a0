from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tunesmith.serve.chat import pages
from tunesmith.serve.chat.desk import ChatDesk
from tunesmith.serve.chat.routes import build_router
from tunesmith.store.database import Database

STATIC = Path(pages.__file__).parent / "static"


@pytest.fixture
def client(database: Database) -> TestClient:
    app = FastAPI()
    app.include_router(build_router(ChatDesk(database=database, clock=lambda: 0.0, models=["sft"])))
    return TestClient(app)


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(client: TestClient) -> None:
    text = client.get("/chat").text
    assert not re.search(r"(?:src|href|action)=.(?:https?:)?//", text) and not re.search(r"\son\w+=|style=", text)
    assert re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) == [""]
    for name in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        assert client.get(name).status_code == 200, name
    assert client.get("/", follow_redirects=False).headers["location"] == "/chat"


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_scripts_make_elements_and_text_nodes_only(client: TestClient, path: Path) -> None:
    script = path.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script)
    for name in re.findall(r'from "\./([\w.]+)"', script):
        assert client.get(f"/static/{name}").status_code == 200, name


def test_colours_come_from_the_shared_set() -> None:
    style = (STATIC / "chat.css").read_text(encoding="utf-8")
    assert not re.search(r"#[0-9a-f]{3,8}\b(?![^{]*\{)", re.sub(r"#[a-z][\w-]*", "", style))
