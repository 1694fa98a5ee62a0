from __future__ import annotations

from pathlib import Path

import pytest

from tests.small import small_chat_model
from tunesmith.context.workspace import open_workspace
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext
from tunesmith.model.load import save_model
from tunesmith.recipes.searching import library_of


def test_passages_are_embedded_once_and_the_receipt_knows_who_found_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pages = tmp_path / "pages"
    pages.mkdir()
    for name, text in {"a": "You may return shoes.", "b": "We open on Monday.", "c": "Lamps glow."}.items():
        (pages / f"{name}.txt").write_text(text)
    save_model(small_chat_model(), tmp_path / "chat")
    said: list[str] = []
    context = RunContext(log=said.append)
    workspace = open_workspace(pages)
    hits = [library_of(workspace, str(tmp_path / "chat"), context).sources("shoes?", passages=5).hits for _ in "12"]
    assert "3 of 3 passages were new" in said[0] and "0 of 3 passages were new" in said[1]
    assert hits[0] == hits[1] and len(hits[0]) == 3
    [shoes] = [hit for hit in hits[0] if hit.passage.page == "a.txt"]
    assert shoes.by_words == 1 and shoes.how == f"found by words (1), meaning ({shoes.by_meaning})"
    assert sorted(hit.by_meaning or 0 for hit in hits[0]) == [1, 2, 3]
    assert all(hit.how.startswith("found by no word, meaning") for hit in hits[0] if hit != shoes)
    assert [hit.how for hit in library_of(workspace, "", context).sources("shoes?", passages=5).hits] == ["found"]
    with pytest.raises(ConfigError, match="no model folder"):
        library_of(workspace, str(tmp_path / "absent"), context)


@pytest.mark.parametrize("inside", ["model", "ppo_ptx/model"])
def test_a_run_is_an_embedder_as_it_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.txt").write_text("You may return shoes.")
    save_model(small_chat_model(), tmp_path / "run" / inside)
    [hit] = library_of(open_workspace(pages), str(tmp_path / "run"), RunContext()).sources("shoes?", passages=5).hits
    assert hit.by_meaning == 1
