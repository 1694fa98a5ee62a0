"""The reports' pages: one place that says how their templates are read."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from tunesmith.evaluate import wording


def page_template(name: str) -> Template:
    """Return a page by its file name. Text that people or models wrote is escaped; a missing value is an error."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tunesmith.evaluate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": wording.percent, "interval": wording.interval, "model_name": wording.model_name}
    return environment
