"""The reports' pages: one place that says how their templates are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from tunesmith.evaluate import wording


def page_template(name: str, filters: Mapping[str, Callable[..., Any]] | None = None) -> Template:
    """Return a page by its file name, with filters of its own beside `percent`, `interval` and `model_name`.

    Text that people or models wrote is escaped; a missing value is an error.
    """
    environment = Environment(
        loader=PackageLoader("tunesmith.evaluate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": wording.percent, "interval": wording.interval, "model_name": wording.model_name}
    environment.filters |= filters or {}
    return environment.get_template(name)
