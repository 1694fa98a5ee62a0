"""What the command line asks of the stages."""

from __future__ import annotations

from benchmarks.__main__ import arguments, entries, options_of


def test_each_stage_has_its_own_defaults() -> None:
    assert options_of(arguments(["layouts", "--prompt", "700"])) == {"rows": 8, "k": 9, "prompt": 700, "bf16": False}
    assert options_of(arguments(["reward", "--k", "9"])) == {"rows": 16, "k": 9, "median": 65, "bf16": False}
    assert options_of(arguments(["grpo", "--rows", "4", "--bf16"])) == {"prompts": 4, "rollouts": 2, "bf16": True}
    assert [arguments([stage]).rounds for stage in ("sft", "growth")] == [5, 3]
    assert arguments(["growth", "--examples", "10,200"]).examples == [10, 200]


def test_the_layouts_are_this_project_twice() -> None:
    once, repeated = entries("layouts", "S", None, options_of(arguments(["layouts"])))
    assert (once.role, repeated.role) == ("ours", "best") and once.name != repeated.name
    assert (once.function, once.python) == (repeated.function, repeated.python)
    assert once.settings == {**repeated.settings, "repeated": False} and repeated.settings["repeated"] is True
