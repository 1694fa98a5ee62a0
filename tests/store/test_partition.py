from __future__ import annotations

from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.store import split
from tunesmith.store.partition import Partition, partition
from tunesmith.store.splits import split_keys

HALVES = {"train": 0.5, "test": 0.5}


def record(name: str) -> Demonstration:
    return Demonstration(messages=(Message("user", name), Message("assistant", "x")))


def made(records: list[Record], **more: object) -> Partition:
    return partition(records, [split_keys(r) for r in records], fractions=HALVES, seed=3, **more)  # type: ignore[arg-type]


RECORDS: list[Record] = [record(f"r{n}") for n in range(80)]
# One in four is rare.
STRATA = ["rare" if n % 4 == 0 else "often" for n in range(80)]


def test_without_wishes_it_is_the_plain_split() -> None:
    assert made(RECORDS).parts == split(RECORDS, fractions=HALVES, seed=3)


def test_strata_are_shared_out_evenly() -> None:
    parts = made(RECORDS, strata=STRATA).parts
    for part in parts.values():
        rare = sum(STRATA[RECORDS.index(r)] == "rare" for r in part)
        assert (len(part), rare) == (40, 10)


def test_earlier_parts_stay_when_records_are_added() -> None:
    first = made(RECORDS[:40], strata=STRATA[:40])
    earlier = {key: name for name, part in first.parts.items() for r in part for key in split_keys(r)}
    second = made(RECORDS, strata=STRATA, earlier=earlier)
    assert all(r in second.parts[name] for name, part in first.parts.items() for r in part) and second.moved == 0
    assert all(len(part) == 40 for part in second.parts.values())


def test_a_group_that_was_parted_is_counted() -> None:
    keys = [["a", "b"]]
    done = partition([RECORDS[0]], keys, fractions=HALVES, seed=0, earlier={"a": "train", "b": "test"})
    assert done.moved == 1 and done.groups == 1


def test_groups_are_never_parted() -> None:
    keys = [[f"k{n // 5}"] for n in range(80)]
    for strata in (None, STRATA):
        done = partition(RECORDS, keys, fractions=HALVES, seed=1, strata=strata)
        where = {keys[RECORDS.index(r)][0]: set[str]() for r in RECORDS}
        for name, part in done.parts.items():
            for r in part:
                where[keys[RECORDS.index(r)][0]].add(name)
        assert all(len(names) == 1 for names in where.values()) and done.groups == 16
