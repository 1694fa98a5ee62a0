"""Self-Instruct's seed tasks (arXiv 2212.10560): an instruction with a list of instances."""

from __future__ import annotations

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.formats.fields import JsonRow, extras, prompt_of

NAME = "self-instruct"


def sniff(row: JsonRow) -> bool:
    """Say whether the row has an instruction and instances."""
    return isinstance(row.get("instruction"), str) and isinstance(row.get("instances"), list)


def parse(row: JsonRow) -> list[Record]:
    """Return one demonstration per instance; instances of one task share `family`.

    Raises:
        DataError: there is no instance, or one has no text as output.
    """
    instances = row.get("instances")
    if not isinstance(instances, list) or not instances:
        raise DataError("must be a non-empty list", where="instances")
    meta = extras(row, {"instruction", "instances"})
    if isinstance(row.get("id"), str):
        meta["family"] = row["id"]
    records: list[Record] = []
    for index, instance in enumerate(instances):
        if not isinstance(instance, dict) or not isinstance(instance.get("output"), str):
            raise DataError("must be an object with a text as output", where=f"instances[{index}]")
        asked = prompt_of({"instruction": row.get("instruction"), "input": instance.get("input")})
        answer = Message("assistant", instance["output"])
        records.append(Demonstration(messages=(*asked.messages, answer), meta=meta))
    return records
