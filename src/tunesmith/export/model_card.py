"""The model card: README.md of an exported folder, from what the run and the files around it say, and nothing else.

The form is the hub's: YAML front matter, then text (Mitchell et al. 2019, arXiv 1810.03993). What is not known is said
to be not known; nothing is made up, and no licence is assumed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tunesmith import __version__
from tunesmith.core.errors import TunesmithError
from tunesmith.core.yaml_strict import read_yaml
from tunesmith.export.figures import Figure
from tunesmith.store.snapshots import MANIFEST, load
from tunesmith.train.lineage import Ancestor

NOT_RECORDED = "not recorded"
_LICENCE_KEYS = ("licence", "license")
_OF_NO_INTEREST = ("command",)  # it holds paths; the settings below say the same


def model_card(
    name: str, chain: Ancestor, *, parameters: int, max_length: int, figures: Iterable[Figure], licence: str = ""
) -> str:
    """Return the card of a model whose ancestry is `chain`; `licence` is the model's own, as the caller says."""
    runs = [one for _, one in chain.walk() if one.kind == "run"]
    base = next((one for _, one in chain.walk() if one.kind == "model" and not one.parents), chain)
    front = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["tunesmith", *([str(runs[0].facts["stage"])] if runs and "stage" in runs[0].facts else [])],
        **({"license": licence} if licence else {}),
    }
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        f"# {name}",
        f"A language model of {parameters:,} parameters"
        + (f", for at most {max_length:,} tokens of prompt and answer together" if max_length else "")
        + f", exported by tunesmith {__version__}. Use it through its chat template, with which it was trained.",
        f"- **Base**: {_code(base.name)}" + (f" ({base.facts['origin']})" if "origin" in base.facts else ""),
        f"- **Licence**: {licence or f'{NOT_RECORDED}; say it before you publish the model'}",
        "## How it was made\n\n" + "\n".join(_steps(chain)),
        "## Data\n\n" + _table(("used as", "what", "records", "SHA-256 begins", "licence"), _data_rows(chain)),
        *([f"## Settings of the last stage\n\n```yaml\n{_config(Path(runs[0].name))}```"] if runs else []),
        "## Evaluation\n\n" + _evaluation(list(figures)),
        "## Limits\n\nWhat is not in the table above was not measured. The model says what is likely after its data, "
        "true or not; test it on your own task before anybody relies on it.",
    ]
    gaps = sorted({f"{_code(one.name)}: {_short(one.gap)}" for _, one in chain.walk() if one.gap})
    if gaps:
        parts.append("## What is not known\n\n" + "\n".join(f"- {gap}" for gap in gaps))
    return "\n\n".join(parts) + "\n"


def _steps(chain: Ancestor) -> Iterator[str]:
    for depth, one in chain.walk():
        if one.kind == "data":
            continue
        facts = ", ".join(f"{key} {value}" for key, value in one.facts.items() if key not in _OF_NO_INTEREST)
        yield f"{'  ' * depth}- {one.role}: {one.kind} {_code(one.name)}" + (f" ({facts})" if facts else "")


def _data_rows(chain: Ancestor) -> list[tuple[str, ...]]:
    rows = {}
    for _, one in chain.walk():
        if one.kind == "data":
            counts = ", ".join(f"{value:,} {key}s" for key, value in one.facts.items() if isinstance(value, int))
            sha = str(one.facts.get("snapshot", one.facts.get("records", "?")))
            rows[(one.role, one.name, sha)] = (one.role, _code(one.name), counts or "?", _code(sha), licences(one))
    return list(rows.values())


def licences(data: Ancestor) -> str:
    """Return what the records of a snapshot say of their licences, each with its count."""
    folder = Path(data.name)
    if data.name == "desk":
        return "Apache-2.0 (made by tunesmith)"
    if not (folder / MANIFEST).is_file():
        return NOT_RECORDED
    try:
        records = load(folder).records
    except TunesmithError:  # the chain has this as a gap, which the card prints
        return NOT_RECORDED
    found = Counter(_licence(record.meta) for record in records)
    if set(found) == {NOT_RECORDED}:
        return NOT_RECORDED
    return ", ".join(f"{licence} ({n:,})" for licence, n in found.most_common())


def _licence(meta: Mapping[str, Any]) -> str:
    return next((str(meta[key]) for key in _LICENCE_KEYS if meta.get(key)), NOT_RECORDED)


def _config(run: Path) -> str:
    file = run / "config.yaml"
    values = read_yaml(file.read_text(encoding="utf-8"), where=str(file)).values
    return yaml.safe_dump(_short_paths(values), sort_keys=False)


def _short_paths(value: Any) -> Any:
    """Return settings in which paths are short: a card is published, and whose machine it was is nobody's business."""
    if isinstance(value, Mapping):
        return {key: _short_paths(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short_paths(inner) for inner in value]
    return _short(value) if isinstance(value, str) else value


def _short(name: str) -> str:
    """Return the last three parts of an absolute path; anything else as it is."""
    path = Path(name)
    return "/".join(path.parts[-3:]) if path.is_absolute() else name


def _evaluation(figures: list[Figure]) -> str:
    if not figures:
        return "No evaluation was found beside the run."
    rows = [(f.where, f.what, f.value, f.interval, str(f.n)) for f in figures]
    return _table(("file", "measure", "value", "95 % interval", "n"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in lines
    )


def _code(text: str) -> str:
    return "`" + _short(text).replace("`", "'").replace("\n", " ") + "`"
