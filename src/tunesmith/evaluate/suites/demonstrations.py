"""Your own demonstrations as a suite: the model answers their prompts, the metrics you choose compare with the answers.

Further references stand in `meta["references"]`, a pattern for `regex` in `meta["pattern"]`; results are broken down by
`meta["scenario"]` and `meta["task"]`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Demonstration, record_id
from tunesmith.evaluate.scorers.together import Together
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions, drawn, file_hash
from tunesmith.evaluate.task import Ask, Item, Protocol, Task
from tunesmith.formats import read


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the task, from any file that has demonstrations.

    Raises:
        ConfigError: no metric was chosen.
    """
    if not options.scorers:
        raise ConfigError("no metric for your own data", where="metrics", remedy="give --metric exact (see --help)")
    imported = read(path, kind="demonstration")
    records = [record for record in imported.records if isinstance(record, Demonstration) and record.prompt]
    left_out = Counter(row.reason for row in imported.quarantined)
    others = len(imported.records) - len(records)
    items = [_item(record) for record in records]
    task = Task(
        name="demonstrations",
        version=1,
        source=path.name,
        items=tuple(items),
        scorer=Together(options.scorers),
        protocol=Protocol(max_tokens=128),
        file=path.name,
        file_sha256=file_hash(path),
        left_out={**left_out, **({"no demonstration": others} if others else {})},
    )
    return drawn(task, options)


def _item(record: Demonstration) -> Item:
    more = record.meta.get("references", [])
    references = [record.completion, *(str(text) for text in more)]
    prompt = record.prompt[-1].content
    target = {"references": references, "pattern": record.meta.get("pattern"), "prompt": prompt}
    groups = {key: str(record.meta[key]) for key in ("task", "scenario") if key in record.meta}
    plain = "\n".join(message.content for message in record.prompt) + "\n"
    return Item(record_id(record), plain, Ask(record.prompt, plain), target, groups)


def _sniff(row: Row) -> bool:
    return True


SUITE = Suite("demonstrations", (), _sniff, load, "your own demonstrations, metrics of your choice")
