"""The shop: the same facts in every process, and each name in exactly one split."""

from __future__ import annotations

import random

from tunesmith.desk.world import World, policies, product, split_of


def test_a_product_has_the_same_facts_wherever_it_is_drawn() -> None:
    found = World("train").product(random.Random(3))
    assert product(found.series, found.kind) == found
    # Written down once: another process, version of Python or order of calls must not change the shop.
    kettle = product("Alder", "kettle")
    assert (kettle.category, kettle.electric, kettle.warranty_months) == ("kitchen", True, 24)
    assert (kettle.price, kettle.colour, kettle.material) == (80, "grey", "glass")


def test_splits_share_no_product_person_or_order() -> None:
    seen: dict[str, tuple[set[str], set[str], set[int]]] = {}
    for split in ("train", "test"):
        rng, world = random.Random(1), World(split)  # type: ignore[arg-type]
        orders = [world.order(rng) for _ in range(300)]
        seen[split] = (
            {line.product.name for order in orders for line in order.lines},
            {order.customer.name for order in orders},
            {order.number for order in orders},
        )
        assert all(split_of(name) == split for name in seen[split][0] | seen[split][1])
    assert all(not a & b for a, b in zip(seen["train"], seen["test"], strict=True))


def test_an_order_follows_from_its_number_except_for_a_chosen_status() -> None:
    world = World("train")
    order = world.order(random.Random(2))
    assert world.order_of(order.number) == order
    changed = world.order(random.Random(2), status="delayed")
    assert changed.status == "delayed" and changed.number == order.number and changed.lines == order.lines


def test_products_drawn_together_differ_in_kind_and_series() -> None:
    some = World("test").products(random.Random(0), 4)
    assert len({p.kind for p in some}) == len({p.series for p in some}) == 4


def test_there_are_thousands_of_products_and_about_sixty_policies_whose_wrong_values_are_wrong() -> None:
    world, rng = World("train"), random.Random(0)
    assert len({world.product(rng).name for _ in range(6000)}) > 1500
    assert 55 <= len(policies()) <= 80
    for policy in policies():
        assert policy.value not in policy.wrong and not set(policy.accept) & set(policy.wrong), policy.key
        assert len(policy.questions) >= 3 and len(policy.statements) >= 2 and len(policy.wrong) == 3, policy.key
        assert all("$v" in text for text in (*policy.statements, *policy.claims)), policy.key
