from __future__ import annotations

import re
from collections import Counter

from tunesmith.desk.documents.rearrangements import rearranged
from tunesmith.desk.documents.scribe import Scribe


def lists_of(part: str) -> list[tuple[str, list[str]]]:
    """Return the lists of a part: how each was rearranged ("" for the first), and its entries."""
    found = []
    for line in re.sub(r"\n- ", " / ", part).split("\n"):
        how, colon, rest = line.rpartition(":")
        entries = [e for e in re.split(r", |; | / | - ", (rest if colon else line).removeprefix("- ").strip(" /")) if e]
        found.append((how, entries))
    return found


def test_a_rearranged_list_holds_the_same_things_once() -> None:
    scribe = Scribe("rearranged")
    hows: Counter[str] = Counter()
    for _ in range(200):
        for part in rearranged(scribe).text.split("\n\n"):
            (first, given), *rest = lists_of(part)
            assert first == "" and 2 <= len(given) <= 5 and len(set(given)) == len(given)
            for how, entries in rest:
                hows[re.sub(r"(?<=without ).*|(?<=all but ).*|.*(?= is gone)", "X", how)] += 1
                same = {entry.lower() for entry in given}
                if gone := re.search(r"without (?!capitals)(.*)|all but (.*)|(.*) is gone", how):
                    same.discard(next(filter(None, gone.groups())).lower())
                assert Counter(entry.lower() for entry in entries) == Counter(same), part
                if how in ("from A to Z", "alphabetical", "sorted by name", "by the letters"):
                    assert entries == sorted(given)
                if how in ("cheapest first", "by price", "from cheap to dear"):
                    prices = [int(entry.rpartition("$")[2]) for entry in entries]
                    assert prices == sorted(prices)
                if how in ("from the end", "backwards", "last one first", "the other way round"):
                    assert entries == given[::-1]
                if how in ("in large letters", "as capitals", "all capitals"):
                    assert entries == [entry.upper() for entry in given]
    assert len(hows) >= 20
