"""Style sheets, scripts and icons: the ones that every page of tunesmith shares, and those of one application."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi.responses import FileResponse, Response

from tunesmith.web.refusal import Refusal

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def assets(*folders: Path) -> Mapping[str, Path]:
    """Return the files of these folders and the shared ones, by name."""
    return {
        path.name: path
        for folder in (Path(__file__).parent / "static", *folders)
        for path in sorted(folder.iterdir())
        if path.suffix in _TYPES
    }


def asset_response(known: Mapping[str, Path], name: str) -> Response:
    """Return one of the files.

    Raises:
        Refusal: there is no such file.
    """
    if name not in known:
        raise Refusal(404, "there is no such file")
    path = known[name]
    # No cache: a page of the new version with the script of the old one would lose work.
    return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})
