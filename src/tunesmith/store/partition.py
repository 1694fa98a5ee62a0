"""Split with wishes: by other groups, with the same mix in every part, and with earlier parts left as they were."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tunesmith.core.records import Record
from tunesmith.store.groups import groups
from tunesmith.store.splits import check_fractions, place, point


class Partition(NamedTuple):
    """The records of each part in their given order; how many groups there are, and how many had to change parts.

    A group changes parts when new records join groups that an earlier split had put into different parts.
    """

    parts: dict[str, list[Record]]
    groups: int
    moved: int


def partition(
    records: Sequence[Record],
    keys: Sequence[Sequence[str]],
    *,
    fractions: Mapping[str, float],
    seed: int,
    strata: Sequence[str] | None = None,
    earlier: Mapping[str, str] | None = None,
) -> Partition:
    """Return the records by part; records that share one of their `keys` are never parted.

    `earlier` maps keys to the part that an earlier split gave them; those stay. Without `strata` every other group goes
    where its own hash puts it, so later records never move it. With `strata` (one label a record) the groups of each
    stratum are dealt out, in the order of their hashes, to the part that lacks most of its share: the mix is as even
    as the sizes of the groups allow, but only `earlier` keeps it still when records are added.

    Raises:
        ConfigError: no fractions, a fraction that is not positive, or a sum other than 1.
    """
    check_fractions(fractions)
    named = groups(keys)
    fixed, moved = _fixed(named, keys, earlier or {}, fractions)
    if strata is None:
        where = {group: fixed.get(group) or place(group, fractions, seed) for group in dict.fromkeys(named)}
    else:
        where = _dealt(named, strata, fixed, fractions, seed)
    parts: dict[str, list[Record]] = {name: [] for name in fractions}
    for record, group in zip(records, named, strict=True):
        parts[where[group]].append(record)
    return Partition(parts, len(where), moved)


def _fixed(
    named: Sequence[str], keys: Sequence[Sequence[str]], earlier: Mapping[str, str], fractions: Mapping[str, float]
) -> tuple[dict[str, str], int]:
    """Return the part of each group that was there before, and how many had several (the most common one wins)."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for group, own in zip(named, keys, strict=True):
        seen[group].update(earlier[key] for key in own if earlier.get(key) in fractions)
    known = {group: max(sorted(parts), key=lambda name: parts[name]) for group, parts in seen.items() if parts}
    return known, sum(len(parts) > 1 for parts in seen.values())


def _dealt(
    named: Sequence[str], strata: Sequence[str], fixed: Mapping[str, str], fractions: Mapping[str, float], seed: int
) -> dict[str, str]:
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for group, label in zip(named, strata, strict=True):
        labels[group][label] += 1
    by_stratum: dict[str, list[str]] = defaultdict(list)
    for group, counts in labels.items():
        by_stratum[max(sorted(counts), key=lambda label: counts[label])].append(group)
    where: dict[str, str] = {}
    for members in by_stratum.values():
        sizes = {group: labels[group].total() for group in members}
        have: Counter[str] = Counter()
        # Groups that were there before take their places first.
        for group in sorted(members, key=lambda g: (g not in fixed, point(g, seed))):
            lacking = {name: share * sum(sizes.values()) - have[name] for name, share in fractions.items()}
            where[group] = fixed.get(group) or max(lacking, key=lambda name: lacking[name])
            have[where[group]] += sizes[group]
    return where
