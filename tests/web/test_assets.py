from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.web.assets import asset_response, assets
from tunesmith.web.refusal import Refusal


def test_shared_and_own_files_by_name(tmp_path: Path) -> None:
    (tmp_path / "own.css").write_text("a {}")
    (tmp_path / "secret.txt").write_text("x")
    known = assets(tmp_path)
    assert {"page.css", "page.js", "icons.js", "icon.svg", "own.css"} <= set(known) and "secret.txt" not in known
    assert asset_response(known, "own.css").headers["cache-control"] == "no-cache"
    for name in ("secret.txt", "../own.css", "", "assets.py"):
        with pytest.raises(Refusal):
            asset_response(known, name)
