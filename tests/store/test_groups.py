from __future__ import annotations

from tunesmith.store.groups import groups


def test_shared_keys_join_directly_and_through_others() -> None:
    assert groups([["b"], ["c"], ["b", "a"], ["d", "c"], ["e"]]) == ["a", "c", "a", "c", "e"]


def test_a_long_chain_is_one_group_in_any_order() -> None:
    chain = [[f"k{n:03}", f"k{n + 1:03}"] for n in range(300)]
    assert set(groups(chain)) == set(groups(chain[::-1])) == {"k000"}
