"""From a model folder back to its runs, their data and the labels in them, as far as the files on this machine go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.core.errors import TunesmithError
from tunesmith.core.yaml_strict import read_yaml
from tunesmith.model.card import read_card
from tunesmith.store.label_sources import label_sources
from tunesmith.store.snapshots import MANIFEST, load

SHIPPED = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """One link of the chain. `role` is what it was to the link before; `gap` says why the chain ends here too early."""

    role: str
    kind: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    gap: str = ""
    parents: tuple[Ancestor, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Ancestor]]:
        """Yield this link and all behind it, each with its distance from here."""
        yield depth, self
        for parent in self.parents:
            yield from parent.walk(depth + 1)

    def to_json(self) -> dict[str, Any]:
        """Return the chain as JSON values."""
        body = {"role": self.role, "kind": self.kind, "name": self.name, **self.facts}
        body |= {"gap": self.gap} if self.gap else {}
        return body | ({"parents": [parent.to_json() for parent in self.parents]} if self.parents else {})


def model_ancestry(name: str, *, role: str = "model", seen: frozenset[str] = frozenset()) -> Ancestor:
    """Return what is known of a model, by the name that a run or a server noted for it."""
    if name.split(" ")[0] == SHIPPED:
        return Ancestor(
            role=role, kind="model", name=name, facts={"origin": "the base model that ships with tunesmith"}
        )
    folder = Path(name)
    if not folder.is_dir():
        return Ancestor(role=role, kind="model", name=name, gap="there is no such folder on this machine")
    if str(folder.resolve()) in seen:
        return Ancestor(role=role, kind="model", name=name, gap="names itself as its own ancestor")
    behind = seen | {str(folder.resolve())}
    if (folder.parent / "provenance.json").is_file():
        return Ancestor(role=role, kind="model", name=name, parents=(_run(folder.parent, behind),))
    card = read_card(folder)
    if not card.get("parents"):
        return Ancestor(role=role, kind="model", name=name, gap="no run of tunesmith is noted for it")
    links = tuple(model_ancestry(parent, role=one, seen=behind) for one, parent in card["parents"].items())
    gap = "the folder was taken out of its run: its data are known by hash only"
    return Ancestor(
        role=role, kind="model", name=name, facts={"snapshots": card.get("snapshots", {})}, gap=gap, parents=links
    )


def _run(folder: Path, seen: frozenset[str]) -> Ancestor:
    try:
        origin = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        config_file = folder / "config.yaml"
        config = read_yaml(config_file.read_text(encoding="utf-8"), where=str(config_file)).values
    except (OSError, ValueError, TunesmithError) as error:
        return Ancestor(role="made by", kind="run", name=str(folder), gap=f"its papers cannot be read: {error}")
    stage = read_card(folder / "model").get("stage")
    facts = {
        "stage": stage,
        "time": origin.get("time"),
        "command": " ".join(origin.get("command", [])),
        "tunesmith": origin.get("versions", {}).get("tunesmith"),
    }
    data = [
        _data(name, label, sha256, origin.get("labels", {}).get(label, {}))
        for label, sha256 in origin.get("snapshots", {}).items()
        for name in _data_names(config, label)
    ]
    models = [model_ancestry(parent, role=one, seen=seen) for one, parent in origin.get("parents", {}).items()]
    known = {name: value for name, value in facts.items() if value}
    return Ancestor(role="made by", kind="run", name=str(folder), facts=known, parents=(*data, *models))


def _data_names(config: Mapping[str, Any], label: str) -> list[str]:
    """Return what a run's configuration names as this data: `data` under its own name, `ptx` under `ptx_data`."""
    for key in (f"{label}_data", label):
        value = config.get(key)
        if isinstance(value, list) and value:
            return [str(one) for one in value]
    return [""]


def _data(name: str, label: str, sha256: str, labels: Mapping[str, Any]) -> Ancestor:
    facts: dict[str, Any] = {"records": sha256[:12], **labels}
    if name == SHIPPED:
        return Ancestor(role=label, kind="data", name=name, facts=facts | {"origin": "the built-in desk made it"})
    path = Path(name)
    if not name or not path.exists():
        return Ancestor(role=label, kind="data", name=name or "?", facts=facts, gap="is not on this machine any more")
    if not (path / MANIFEST).is_file():
        return Ancestor(role=label, kind="data", name=name, facts=facts)
    try:
        snapshot = load(path)
    except TunesmithError as error:
        return Ancestor(role=label, kind="data", name=name, facts=facts, gap=str(error))
    facts |= {"snapshot": snapshot.sha256[:12], **snapshot.manifest.counts, **label_sources(snapshot.records)}
    return Ancestor(role=label, kind="data", name=name, facts=facts)
