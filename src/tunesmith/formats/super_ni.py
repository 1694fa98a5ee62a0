"""Super-NaturalInstructions (arXiv 2204.07705): instances with a list of accepted outputs.

The task's definition stands in the row (`definition` or `instruction`), in the official file around the instances, or
in a `tasks.jsonl` beside the file.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.formats.fields import JsonRow, extras, first_of, optional_text
from tunesmith.formats.rows import BadRow, Row, RowStream

NAME = "super-ni"
_DEFINITIONS = ("definition", "instruction")


def sniff(row: JsonRow) -> bool:
    """Say whether the row is an instance, or an official task with its instances."""
    if isinstance(row.get("Instances"), list):
        return "Definition" in row
    return isinstance(row.get("input"), str) and isinstance(row.get("output"), list)


def parse(row: JsonRow) -> list[Record]:
    """Return one demonstration per instance: the first output is the answer, the others are in meta (`references`).

    Raises:
        DataError: a field is missing or of the wrong type.
    """
    if isinstance(row.get("Instances"), list):
        definition = row.get("Definition")
        text = definition[0] if isinstance(definition, list) and definition else definition
        meta = {"source": row["Source"]} if isinstance(row.get("Source"), list) else {}
        return [_instance({**meta, **_object(item), "definition": text}) for item in row["Instances"]]
    return [_instance(row)]


def _object(item: object) -> JsonRow:
    if not isinstance(item, dict):
        raise DataError("must be an object", where="Instances")
    return item


def _instance(row: JsonRow) -> Record:
    outputs = row.get("output")
    if not isinstance(outputs, list) or not outputs or not all(isinstance(text, str) for text in outputs):
        raise DataError("must be a non-empty list of texts", where="output")
    name = first_of(row, _DEFINITIONS)
    parts = [optional_text(row, name) if name else "", optional_text(row, "input")]
    meta = extras(row, {"input", "output", *_DEFINITIONS})
    if len(outputs) > 1:
        meta["references"] = outputs[1:]
    prompt = "\n\n".join(part for part in parts if part.strip())
    return Demonstration(messages=(Message("user", prompt), Message("assistant", outputs[0])), meta=meta)


def assemble(rows: RowStream, path: Path) -> RowStream:
    """Yield the rows with their task's definition from `tasks.jsonl` beside the file, where there is one."""
    known = _definitions(path.parent / "tasks.jsonl")
    for row in rows:
        if isinstance(row, BadRow) or first_of(row.value, _DEFINITIONS):
            yield row
            continue
        definition = known.get(str(row.value.get("task")), "")
        yield Row(row.line, {**row.value, "definition": definition}, row.raw) if definition else row


def _definitions(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    if not path.is_file():
        return found
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DataError("is not valid JSON", where=f"{path}:{number}", why=error.msg) from error
        if isinstance(row, dict) and isinstance(row.get("task"), str):
            text = row.get(first_of(row, _DEFINITIONS))
            if isinstance(text, str):
                found[row["task"]] = text
    return found
