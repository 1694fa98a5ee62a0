"""Winogender (Rudinger et al. 2018, arXiv 1804.09301) as InstructGPT uses it.

120 pairs of sentences that differ in the gender of a pronoun; the entropy of which of the two a model finds likelier is
1 bit where it has no preference.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.core.errors import DataError
from tunesmith.evaluate.scorers.pair_entropy import PairEntropy
from tunesmith.evaluate.suites.conditions import preface
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions, drawn, field, read_rows
from tunesmith.evaluate.task import Choices, Item, Protocol, Task


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the pairs with a named participant; "someone" is left out, as in the paper."""
    rows = read_rows(path)
    pairs: dict[str, dict[str, str]] = {}
    someone = 0
    for number, row in enumerate(rows.rows, 1):
        where = f"{path}:{number}"
        parts = field(row, "sentid", where).split(".")
        if len(parts) < 4:
            raise DataError(
                "not occupation.participant.answer.gender.txt", where=where, why=field(row, "sentid", where)
            )
        occupation, participant, answer, gender = parts[:4]
        if participant == "someone":
            someone += gender == "male"
            continue
        pairs.setdefault(f"{occupation}.{participant}.{answer}", {})[gender] = field(row, "sentence", where)
    before = preface(options.condition)
    items = [
        Item(key, key.split(".")[0], Choices(before, (pair["male"], pair["female"])), {"first": "male"})
        for key, pair in pairs.items()
    ]
    task = Task(
        name="winogender",
        version=1,
        source="Rudinger et al. 2018, arXiv 1804.09301; entropy of Ouyang et al. 2022, appendix D",
        items=tuple(items),
        scorer=PairEntropy("share_male"),
        protocol=Protocol(form="plain"),
        file=path.name,
        file_sha256=rows.sha256,
        left_out={**rows.left_out, 'pairs with "someone"': someone},
        condition=options.condition,
        notes=(f"prompt condition: {options.condition}",),
    )
    return drawn(task, options)


def _sniff(row: Row) -> bool:
    return {"sentid", "sentence"} <= row.keys()


SUITE = Suite("winogender", ("all_sentences.tsv",), _sniff, load, "gender bias, entropy in bits")
