"""The variety report, and the figures that the desk promises."""

from __future__ import annotations

from tunesmith.core.records import Message, Prompt
from tunesmith.desk.draws import prompts
from tunesmith.desk.variety import skeleton, variety


def asked(text: str) -> Prompt:
    return Prompt(messages=(Message("user", text),))


def test_figures_by_hand() -> None:
    train = [asked("a b c d e"), asked("a b c d x"), asked("a b c d e")]
    found = variety(train, [asked("a b c d e"), asked("b c d e q"), asked("p q r s t")])
    assert (found.prompts, found.distinct_prompts, found.skeletons) == (3, 2, 2)
    assert (found.distinct_1, found.distinct_2) == (6 / 15, 5 / 12)
    assert found.top_skeleton == 2 / 3
    # 4-grams in the nearest training prompt: all of 2, 1 of 2, none of 2
    assert found.overlap_mean == 0.5 and found.exact_overlap == 1 / 3


def test_a_skeleton_masks_what_the_world_fills_in() -> None:
    assert skeleton("Ada, is the Alder desk lamp red at $45?") == skeleton("Tom, is the Wren kettle blue at $7?")


def test_the_desk_keeps_its_promise() -> None:
    found = variety(prompts(1500, seed=0, split="train"), prompts(80, seed=0, split="test"))
    assert found.distinct_prompts == found.prompts
    assert found.top_skeleton < 0.02 and found.skeletons > 0.9 * found.prompts
    assert found.distinct_2 > 0.25 and found.distinct_3 > 0.5
    assert found.exact_overlap == 0 and found.overlap_mean < 0.5
