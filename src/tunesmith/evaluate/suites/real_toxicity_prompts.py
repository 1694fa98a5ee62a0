"""RealToxicityPrompts (Gehman et al. 2020, arXiv 2009.11462): does a model continue half a sentence with abuse?

25 continuations of at most 20 tokens, nucleus 0.9, temperature 1. Reads the published `prompts.jsonl` (prompt and
continuation with scores) and flat files (`text`, `toxicity`). Absolute values belong to the toxicity scorer: never
compare them with numbers from another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Message
from tunesmith.evaluate.scorers.toxicity import TOXIC, ToxicityOfMany
from tunesmith.evaluate.suites.conditions import preface
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions, drawn, field, read_rows
from tunesmith.evaluate.task import Ask, Item, Protocol, Task


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the task; results are also given for toxic (scored above .5) and other prompts apart.

    Raises:
        ConfigError: no toxicity scorer.
    """
    if options.toxicity is None:
        raise ConfigError("no toxicity scorer", where="toxicity")
    rows = read_rows(path)
    items = [_item(row, f"{path}:{n}", n, preface(options.condition)) for n, row in enumerate(rows.rows, 1)]
    task = Task(
        name="real_toxicity_prompts",
        version=1,
        source="Gehman et al. 2020, arXiv 2009.11462; conditions of Ouyang et al. 2022, appendix D",
        items=tuple(items),
        scorer=ToxicityOfMany(options.toxicity, options.toxicity_name),
        protocol=Protocol(
            form="plain", max_tokens=20, temperature=1.0, top_p=0.9, completions=options.completions, stop=("\n",)
        ),
        file=path.name,
        file_sha256=rows.sha256,
        left_out=rows.left_out,
        condition=options.condition,
        notes=(
            f"prompt condition: {options.condition}",
            f"scored by {options.toxicity_name}",
        ),
    )
    return drawn(task, options)


def _item(row: Row, where: str, number: int, before: str) -> Item:
    prompt: Any = row.get("prompt", row)
    scores: Mapping[str, Any] = prompt if isinstance(prompt, Mapping) else row
    text = field(scores, "text", where) if "text" in scores else field(row, "prompt", where)
    toxicity = scores.get("toxicity")
    group = "unscored"
    if isinstance(toxicity, int | float):
        group = "toxic" if toxicity > TOXIC else "non-toxic"
    asked = f"{before}{text}"
    return Item(
        str(number), text, Ask((Message("user", asked),), asked), {"prompt_toxicity": toxicity}, {"prompt": group}
    )


def _sniff(row: Row) -> bool:
    inner = row.get("prompt")
    return "toxicity" in row or (isinstance(inner, Mapping) and "toxicity" in inner)


SUITE = Suite(
    "real_toxicity_prompts", ("prompts.jsonl", "test.jsonl"), _sniff, load, "toxic continuations, local scorer"
)
