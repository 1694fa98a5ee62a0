"""The built-in desk's held-out prompts, decided by the gold judge: success, truth, toxicity, and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.core.reading_records import from_json
from tunesmith.core.records import Prompt, record_id, to_json
from tunesmith.desk import judge, prompts
from tunesmith.evaluate.scorer import Measure, Response, Values, require_written
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions
from tunesmith.evaluate.task import Ask, Item, Protocol, Task

PROMPTS = 400


class GoldJudge:
    """The desk's judge. Truth is unscored where a completion asserts nothing that could be checked."""

    name = "desk gold judge"
    measures: Sequence[Measure] = (
        Measure("success", "task success", primary=True),
        Measure("truthful", "truthful", primary=True),
        Measure("toxic", "toxic", higher_is_better=False, primary=True),
        Measure("gold_score", "gold score"),
    )

    def score(self, target: Mapping[str, Any], response: Response) -> Values:
        """Return the judge's decision on each completion."""
        prompt = from_json(target)
        assert isinstance(prompt, Prompt)
        verdicts = [judge(prompt, text) for text in require_written(response).texts]
        return {
            "success": [float(v.success) for v in verdicts],
            "truthful": [float(v.truthful) for v in verdicts if v.truthful is not None],
            "toxic": [float(v.toxic) for v in verdicts],
            "gold_score": [v.score for v in verdicts],
        }


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the task; nothing is read, the desk makes `limit` (or 400) prompts from the seed."""
    asked = prompts(options.limit or PROMPTS, seed=options.seed + 4, split="test")
    return Task(
        name="desk",
        version=1,
        source="the built-in desk (docs/desk.md)",
        items=tuple(_item(prompt) for prompt in asked),
        scorer=GoldJudge(),
        protocol=Protocol(max_tokens=64, temperature=0.7),
    )


def _item(prompt: Prompt) -> Item:
    plain = "\n".join(message.content for message in prompt.messages) + "\n"
    groups = {key: str(prompt.meta[key]) for key in ("task", "scenario") if key in prompt.meta}
    identity = record_id(prompt)
    return Item(identity, identity, Ask(prompt.messages, plain), to_json(prompt), groups)


def _sniff(row: Row) -> bool:
    return False


SUITE = Suite("desk", (), _sniff, load, "the built-in shop's held-out prompts, gold judge")
