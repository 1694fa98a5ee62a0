from __future__ import annotations

from tunesmith.make.seeds import generator


def test_seed_record_and_method_each_change_the_numbers() -> None:
    draws = {generator(*of).random() for of in [(0, "r", "m"), (1, "r", "m"), (0, "s", "m"), (0, "r", "n")]}
    assert len(draws) == 4 and generator(0, "r", "m").random() in draws
