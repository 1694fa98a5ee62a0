"""Make variants of records: seeded per record and method, labelled with where they come from, counted by outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tunesmith.core.records import Demonstration, Document, Record, record_id
from tunesmith.make.augment.interleave import fit_for_two
from tunesmith.make.augment.method import Draw, Method, Thesaurus, Unfit
from tunesmith.make.origin import split_keys_of
from tunesmith.make.seeds import generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """How much is made. `share`: of the records, for each method; `rate`: of the words that noise touches."""

    share: float
    rate: float
    thesaurus: Thesaurus | None = None


@dataclass(slots=True)
class Augmented:
    """The variants, and for each method how many were made and why others were not."""

    variants: list[Record] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    unfit: dict[str, Counter[str]] = field(default_factory=dict)


def augment(records: Sequence[Record], methods: Sequence[Method], *, strength: Strength, seed: int) -> Augmented:
    """Return variants of the records; the records themselves are not among them.

    Whether a record gets a variant, and which, follows from the seed, the method and the record's content alone
    (`interleave` also draws its partner from the set). A variant's meta names its method, seed and parent under
    `augmented`, and under `split_keys` what must stay in one split with it.
    """
    by_id = {record_id(record): record for record in records}
    # In the order of their ids, so that the order of the input does not decide on partners.
    partners = [r for _, r in sorted(by_id.items()) if isinstance(r, Demonstration) and fit_for_two(r)]
    result = Augmented()
    for parent, record in by_id.items():
        for method in methods:
            rng = generator(seed, parent, method.name)
            if rng.random() >= strength.share:
                continue
            draw = Draw(rng=rng, rate=strength.rate, thesaurus=strength.thesaurus, others=partners)
            variant = Unfit("a document has no prompt") if isinstance(record, Document) else method.make(record, draw)
            if isinstance(variant, Unfit):
                result.unfit.setdefault(method.name, Counter())[variant.reason] += 1
                continue
            result.variants.append(_labelled(variant, record, method, seed, by_id))
            result.made[method.name] += 1
    return result


def _labelled(variant: Record, parent: Record, method: Method, seed: int, by_id: dict[str, Record]) -> Record:
    meta = dict(variant.meta)
    origin: dict[str, Any] = {"method": method.name, "seed": seed, "parent": record_id(parent)}
    parents = [parent]
    if "partner" in meta:
        origin["partner"] = meta.pop("partner")
        parents.append(by_id[origin["partner"]])
    # A judge's structure describes the old answer; where that changed it would judge wrongly.
    if method.answer == "rewritten":
        meta.pop("gold", None)
    meta |= {"augmented": origin, "scenario": method.scenario, "split_keys": split_keys_of(parents)}
    return replace(variant, meta=meta)
