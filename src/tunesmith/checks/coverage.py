"""The matrix of tasks and scenarios: which kinds of rows there are, and which are missing.

A model is asked more than the plain case: edge cases, several turns, false premises, personas, complex and ambiguous
requests, two requests at once, other words for the same thing, careless typing, hostile input. Labels are
`meta["task"]` and `meta["scenario"]` where a record has them (all rows counted). Of rows without labels a sample is
judged by the rules of `checks/scenario_rules.py`, and the result says so: their counts are of the sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.finding import CheckResult
from tunesmith.checks.sample import Sampled, drawn, gathered, last_line
from tunesmith.checks.scenario_rules import SCENARIOS, scenario_of, task_of
from tunesmith.checks.texts import answered
from tunesmith.core.config import Strict

_SAME = {
    "complexity": "complex",
    "ambiguity": "ambiguous",
    "multi-turn": "contextual",
    "contextual multi-turn": "contextual",
}


class CoverageConfig(Strict):
    """How much is judged, and when a cell is thin."""

    sample: int = Field(default=5000, ge=100, description="rows without labels that are judged by rules, about")
    thin: int = Field(default=5, ge=1, description="a cell with fewer labelled rows is a gap")
    main_task: float = Field(
        default=0.02, ge=0, le=1, description="tasks with a smaller share of rows have no gaps listed"
    )
    seed: int = Field(default=0, description="of the sample")


class Judged(NamedTuple):
    """A sampled row without labels: task and scenario with the rules that chose them, or a label it had of one."""

    task: str
    task_rule: str
    scenario: str
    scenario_rule: str


class CoveragePart(NamedTuple):
    """Counts of the labelled cells, and the judged sample of the other rows."""

    labelled: Counter[tuple[str, str]]
    judged: Sampled[Judged | None]
    rows: int


class Coverage:
    """Which scenarios of which tasks occur, and what to add."""

    name = "coverage"
    source = "house rule: InstructGPT's use cases (arXiv 2203.02155, table 1) by the ways in which people ask"

    def __init__(self, config: CoverageConfig | None = None) -> None:
        self.config = config or CoverageConfig()

    def chunk(self, rows: Sequence[CheckedRow]) -> CoveragePart:
        """Return the labelled cells' counts and judge the sampled rows that lack a label."""
        labelled: Counter[tuple[str, str]] = Counter()
        unlabelled = []
        for i, row in enumerate(rows):
            task, scenario = _label(row, "task"), _label(row, "scenario")
            if task and scenario:
                labelled[task, scenario] += 1
            else:
                unlabelled.append(i)
        others = [rows[i] for i in unlabelled]
        chosen, keys = drawn(others, self.config.sample, self.config.seed)
        judged: list[Judged | None] = [_judged(others[i]) for i in chosen.tolist()]
        return CoveragePart(labelled, Sampled(keys.tolist(), judged, len(others), last_line(others)), len(rows))

    def conclude(self, parts: Iterable[CoveragePart]) -> CheckResult:
        """Return the matrix.

        `numbers`: `matrix` {task: {scenario: rows}} of the labelled rows, `guessed_matrix` of the judged sample, and
        `rules` {rule: sampled rows}. `plots`: `matrix`: {"tasks", "scenarios", "counts", "guessed"}:
        counts[task][scenario], and whether they are of the judged sample.
        """
        kept = list(parts)
        labelled = sum((part.labelled for part in kept), Counter[tuple[str, str]]())
        sample = gathered((part.judged for part in kept), self.config.sample)
        judged = [row for row in sample.values if row is not None]
        guessed = Counter((row.task, row.scenario) for row in judged)
        rules = Counter(rule for row in judged for rule in (row.task_rule, row.scenario_rule))
        n = labelled.total()
        use_guess = n < sample.rows
        cells = guessed if use_guess else labelled
        gaps = self._gaps(cells, 1 if use_guess else self.config.thin)
        numbers = {
            "rows": sum(part.rows for part in kept),
            "labelled_rows": n,
            "rows_judged_by_rules": len(judged),
            "rows_without_labels": sample.rows,
            "matrix": _nested(labelled),
            "guessed_matrix": _nested(guessed),
            "rules": dict(rules.most_common()),
            "gaps": [f"{task} × {scenario}" for task, scenario in gaps],
        }
        tasks = sorted({task for task, _ in cells})
        scenarios = [*SCENARIOS, *sorted({scenario for _, scenario in cells} - set(SCENARIOS))]
        counts = [[cells[task, scenario] for scenario in scenarios] for task in tasks]
        plots = {"matrix": {"tasks": tasks, "scenarios": scenarios, "counts": counts, "guessed": use_guess}}
        return CheckResult(
            check=self.name, numbers=numbers, plots=plots, advice=_advice(cells, gaps, guessed=use_guess)
        )

    def _gaps(self, cells: Mapping[tuple[str, str], int], thin: int) -> list[tuple[str, str]]:
        total = sum(cells.values())
        by_task = Counter[str]()
        for (task, _), count in cells.items():
            by_task[task] += count
        main = [task for task, count in by_task.most_common() if count >= self.config.main_task * total]
        # Rules cannot see synonyms, so that no row shows them is no gap unless rows are labelled.
        seen = [s for s in SCENARIOS if s != "synonymous" or thin > 1]
        return [(task, scenario) for task in main for scenario in seen if cells.get((task, scenario), 0) < thin]


def _label(row: CheckedRow, name: str) -> str:
    value = row.record.meta.get(name)
    text = value.strip().lower() if isinstance(value, str) else ""
    return _SAME.get(text, text) if name == "scenario" else text


def _judged(row: CheckedRow) -> Judged:
    task, scenario = _label(row, "task"), _label(row, "scenario")
    guessed_task, guessed_scenario = task_of(row.record), scenario_of(row.record, answered(row.record))
    return Judged(
        task or guessed_task.name,
        "task: labelled" if task else f"task {guessed_task.name}: {guessed_task.rule}",
        scenario or guessed_scenario.name,
        "scenario: labelled" if scenario else f"scenario {guessed_scenario.name}: {guessed_scenario.rule}",
    )


def _nested(cells: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (task, scenario), count in sorted(cells.items()):
        nested.setdefault(task, {})[scenario] = count
    return nested


def _advice(cells: Mapping[Any, int], gaps: Sequence[tuple[str, str]], *, guessed: bool) -> tuple[str, ...]:
    if not cells:
        return ()
    advice = []
    if guessed:
        advice.append(
            "most rows have no task and scenario in meta: this matrix is guessed by rules from a sample of them"
        )
    missing = Counter(scenario for _, scenario in gaps)
    tasks = len({task for task, _ in cells})
    for scenario, count in missing.most_common():
        of = [task for task, missed in gaps if missed == scenario]
        advice.append(
            f"add {scenario} rows to {count} of {tasks} tasks: {', '.join(of[:4])}{', …' if count > 4 else ''}"
        )
    return tuple(advice)
