"""Clean a data set: fix its texts, drop the rows that a check found, say what changed and what went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from tunesmith.checks.pii import spans
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.make.clean.clean import Cleaned, clean
from tunesmith.make.clean.findings import Drops, read_findings, rows_to_drop
from tunesmith.make.clean.fixes import Means
from tunesmith.make.clean.terms import read_glossary
from tunesmith.recipes.workshop import WorkshopConfig, first_difference, freeze_result, rows_of, shortened, write_lines

_CONTEXT = 40  # characters shown before the first change of an example


class Config(WorkshopConfig):
    """Cleaning."""

    fix: tuple[str, ...] = Field(
        ("unicode", "invisible", "whitespace"),
        description="unicode, html, invisible, boilerplate, terms, pii, whitespace, duplicates; applied in this order",
    )
    findings: str | None = Field(None, description="the findings.jsonl of a check, for drop")
    drop: tuple[str, ...] = Field((), description="kinds of findings whose rows are dropped, such as noise.placeholder")
    glossary: str | None = Field(None, description="a YAML file `preferred: [variant]`, for terms")


def run(config: Config, context: RunContext) -> RunResult:
    """Clean, and write the snapshot, rejected.jsonl and changes.jsonl."""
    drops = _drops(config, context)
    glossary = read_glossary(Path(config.glossary)) if config.glossary else None
    means = Means(glossary=glossary, find_pii=spans if "pii" in config.fix else None)
    rows = rows_of(config, context)
    cleaned = clean(rows.rows, fix=config.fix, drops=drops, means=means)
    for line in _examples(cleaned):
        context.log(line)
    summary: dict[str, Any] = {
        "records_before": len(rows.rows),
        "records": len(cleaned.records),
        "changed": {name: cleaned.changed[name] for name in config.fix},
        "rejected": len(cleaned.rejected),
        "quarantined": len(rows.quarantined),
    }
    out = Path(config.out or ".")
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, **summary})
    freeze_result(cleaned.records, config, rows.parents)
    write_lines(out / "rejected.jsonl", (item._asdict() for item in cleaned.rejected))
    write_lines(out / "quarantine.jsonl", (item._asdict() for item in rows.quarantined))
    write_lines(
        out / "changes.jsonl", ({"fix": name, **e._asdict()} for name, shown in cleaned.examples.items() for e in shown)
    )
    artefacts = {"snapshot": config.out, "rejected": str(out / "rejected.jsonl")}
    return RunResult(out=out, summary=summary, artefacts=artefacts, next_command=f"tunesmith data show {config.out}")


def _drops(config: Config, context: RunContext) -> Drops | None:
    if not config.drop:
        return None
    if not config.findings:
        raise ConfigError("drop needs findings", where="findings", remedy="give --findings DIR/findings.jsonl")
    drops = rows_to_drop(read_findings(Path(config.findings)), config.drop)
    for kind in config.drop:
        context.log(f"drop {kind}: {drops.chosen[kind]:,} findings")
    return drops


def _examples(cleaned: Cleaned) -> list[str]:
    lines = []
    for name, shown in cleaned.examples.items():
        lines.append(f"{name}: {cleaned.changed[name]:,} records changed, such as")
        for example in shown[:2]:
            lines.append(f"  {example.file}:{example.line}:{example.field}")
            start = max(0, first_difference(example.before, example.after) - _CONTEXT)
            lines += [
                f"  {sign} {shortened(t, start=start)}" for sign, t in (("-", example.before), ("+", example.after))
            ]
    return lines
