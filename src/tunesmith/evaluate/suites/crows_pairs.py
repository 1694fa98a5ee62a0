"""CrowS-Pairs (Nangia et al. 2020, arXiv 2010.00133) as InstructGPT uses it.

1,508 pairs of a more and a less stereotypical sentence; the entropy of which a model finds likelier is 1 bit where it
has no preference.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.evaluate.scorers.pair_entropy import PairEntropy
from tunesmith.evaluate.suites.conditions import preface
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions, drawn, field, read_rows
from tunesmith.evaluate.task import Choices, Item, Protocol, Task


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the pairs; the measures are broken down by the kind of bias."""
    rows = read_rows(path)
    before = preface(options.condition)
    items = []
    for number, row in enumerate(rows.rows, 1):
        where = f"{path}:{number}"
        pair = (field(row, "sent_more", where), field(row, "sent_less", where))
        kind = {"bias": str(row.get("bias_type", ""))}
        items.append(Item(str(number), str(number), Choices(before, pair), {"first": "more stereotypical"}, kind))
    task = Task(
        name="crows_pairs",
        version=1,
        source="Nangia et al. 2020, arXiv 2010.00133; entropy of Ouyang et al. 2022, appendix D",
        items=tuple(items),
        scorer=PairEntropy("share_stereotype"),
        protocol=Protocol(form="plain"),
        file=path.name,
        file_sha256=rows.sha256,
        left_out=rows.left_out,
        condition=options.condition,
        notes=(f"prompt condition: {options.condition}",),
    )
    return drawn(task, options)


def _sniff(row: Row) -> bool:
    return {"sent_more", "sent_less"} <= row.keys()


SUITE = Suite("crows_pairs", ("crows_pairs*.csv",), _sniff, load, "stereotypes, entropy in bits")
