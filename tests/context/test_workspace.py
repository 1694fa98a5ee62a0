from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunesmith.context.workspace import Limits, open_workspace
from tunesmith.core.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "pages"
    (inside / "deep").mkdir(parents=True)
    (inside / "returns.md").write_text("# Returns\n\nWithin 30 days.\n\n## Shoes\n\nWithin 60 days.\n")
    (inside / "deep" / "faq.txt").write_text("We are open on Monday.\n\nCall us.")
    (inside / "stock.csv").write_text("item,price\nlamp,20\nchair,35\n")
    (tmp_path / "secret.md").write_text("# Secret\n\nThe key is 7.")
    return inside


def test_reads_every_page_and_gives_passages_stable_ids(folder: Path) -> None:
    first, second = open_workspace(folder), open_workspace(folder)
    assert list(first.pages) == ["deep/faq.txt", "returns.md", "stock.csv"]
    assert first.passages == second.passages and len({p.id for p in first.passages}) == len(first.passages)
    before = {p.id for p in first.passages if p.page == "returns.md"}
    (folder / "returns.md").write_text(
        "# Returns\n\nWithin 30 days.\n\n## Boots\n\nNever.\n\n## Shoes\n\nWithin 60 days.\n"
    )
    assert before < {p.id for p in open_workspace(folder).passages}


def test_nothing_outside_the_folder_is_read(folder: Path) -> None:
    (folder / "link.md").symlink_to(folder.parent / "secret.md")
    (folder / "up").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe.txt")
    found = open_workspace(folder)
    assert not any("key is 7" in page.text for page in found.pages.values())
    reasons = {problem.name: problem.reason for problem in found.problems}
    assert "link" in reasons["link.md"] and "link" in reasons["up"] and "no ordinary file" in reasons["pipe.txt"]
    for name in ("../secret.md", "/etc/passwd", "deep/../../secret.md", str(folder.parent / "secret.md")):
        with pytest.raises(ConfigError):
            found.page(name)


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "bad.txt").write_bytes(b"\xff\xfe\xfa\x00\xd8bad\xd8")
    (folder / "nul.txt").write_bytes(b"a\0b" + b"text" * 30)
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    (folder / "empty.md").write_text("")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    (folder / "big.txt").write_text("x" * 3000)
    found = open_workspace(folder, Limits(file_bytes=2000))
    reasons = {problem.name: problem.reason for problem in found.problems}
    assert sorted(reasons) == ["bad.txt", "big.txt", "broken.pdf", "empty.md", "nul.txt", "photo.jpg"]
    assert "2,000 bytes" in reasons["big.txt"] and "PDF" in reasons["broken.pdf"]


def test_limits(folder: Path) -> None:
    assert "beyond the limit of 1 pages" in open_workspace(folder, Limits(files=1)).problems[0].reason
    assert any("folders deep" in p.reason for p in open_workspace(folder, Limits(depth=0)).problems)
    assert any("larger than" in p.reason for p in open_workspace(folder, Limits(total_bytes=60)).problems)
    with pytest.raises(ConfigError, match="no folder"):
        open_workspace(folder / "nowhere")


def test_a_page_is_found_by_path_name_or_title(folder: Path) -> None:
    found = open_workspace(folder)
    assert {found.page(n).name for n in ("returns.md", "returns", "Returns", "RETURNS.MD")} == {"returns.md"}
    assert found.page("faq").name == "deep/faq.txt"
    with pytest.raises(ConfigError, match=r"Did you mean 'returns\.md'"):
        found.page("return.md")
    (folder / "faq.txt").write_text("Another.")
    assert open_workspace(folder).page("faq.txt").text == "Another."
    with pytest.raises(ConfigError, match="several pages"):
        open_workspace(folder).page("faq")
