"""Three habits of writers: each is recognised, spares the task, and costs an answer that is right something."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict

import pytest

from tunesmith.core.records import Demonstration
from tunesmith.desk import manners
from tunesmith.desk.draws import demonstrations
from tunesmith.desk.judge import judge
from tunesmith.desk.manners import WRITERS, Habit, Writer, habits_in, manner, written_by
from tunesmith.desk.tasks import FAMILIES
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World

HABITS: tuple[Habit, ...] = ("doubts", "talks down", "pads")


def every_wording(text: str) -> set[str]:
    """Return every wording of a text of the small alternation language, by drawing until nothing new comes."""
    voice = Voice(random.Random(1), "test")
    return {voice.say(text) for _ in range(500)}


@pytest.fixture(scope="module")
def drawn() -> list[Demonstration]:
    return demonstrations(1500, seed=4, split="train")


def test_model_answers_have_no_habit() -> None:
    voice, world = Voice(random.Random(2), "test"), World("test")
    makers = [maker for family in FAMILIES.values() for maker in family.scenarios.values()]
    answers = [maker(voice, world).answer for maker in makers for _ in range(20)]
    assert [a for a in answers if habits_in(a)] == []


@pytest.mark.parametrize("habit", HABITS)
def test_every_wording_of_a_habit_is_recognised_as_this_one(habit: Habit) -> None:
    wordings = {
        f"It is 4{said}" if said[0] == "," else f"It is 4. {said}" for said in every_wording(manners._SAID_AFTER[habit])
    }
    assert len(wordings) >= 6
    assert {w: habits_in(w) for w in wordings} == {w: (habit,) for w in wordings}


def test_a_writer_without_habits_writes_the_model_answer(drawn: list[Demonstration]) -> None:
    plain = [d for d in drawn if not habits_in(d.completion)]
    assert all(written_by(Writer("nobody", {}), d, split="train") == d.completion for d in plain)


@pytest.mark.parametrize("habit", HABITS)
def test_a_habit_leaves_refusals_questions_and_parts_alone(drawn: list[Demonstration], habit: Habit) -> None:
    changed = 0
    for d in (d for d in drawn if not habits_in(d.completion)):
        text = written_by(Writer("always", {habit: 1.0}), d, split="train")
        if d.meta["gold"].keys() & {"refuse", "ask", "unknown", "style", "polarity"} or d.meta["scenario"] == "edge":
            assert text == d.completion
        else:
            assert habits_in(text) == ((habit,) if text != d.completion else ())
            changed += text != d.completion
    assert changed > 80


def test_writers_differ_and_a_quarter_of_the_demonstrations_shows_a_habit(drawn: list[Demonstration]) -> None:
    by_writer: dict[str, list[Demonstration]] = defaultdict(list)
    for d in drawn:
        by_writer[d.meta["labeler"]].append(d)
    assert by_writer.keys() == {w.id for w in WRITERS}
    assert 0.2 < sum(bool(habits_in(d.completion)) for d in drawn) / len(drawn) < 0.35
    for (a, b), habit in zip(itertools.permutations(("ada", "ben", "chi"), 2), itertools.cycle(HABITS)):
        rates = [sum(habit in habits_in(d.completion) for d in by_writer[w]) / len(by_writer[w]) for w in (a, b)]
        wanted = [next(w.habits[habit] for w in WRITERS if w.id == name) for name in (a, b)]
        assert (rates[0] > rates[1]) == (wanted[0] > wanted[1]) or abs(wanted[0] - wanted[1]) < 0.1


def test_manner_orders_right_answers_and_never_lifts_a_wrong_one(drawn: list[Demonstration]) -> None:
    d = next(
        d
        for d in drawn
        if d.meta["task"] == "closed_qa" and d.meta["scenario"] == "plain" and not habits_in(d.completion)
    )
    right, doubting, both = d.completion, f"I think {d.completion}", f"Obviously, I think {d.completion}"
    scores = [judge(d, text).score for text in (right, doubting, both, "It is 7,777, most certainly.")]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 4
    assert [judge(d, text).success for text in (right, doubting, both)] == [True] * 3
    assert judge(d, both).habits == ("doubts", "talks down")
    wrong, wrong_doubting = (judge(d, text).score for text in ("Trains are blue.", "I think trains are blue."))
    assert wrong_doubting <= wrong < scores[2]
    assert [manner(()), manner(("pads",)), manner(("pads", "doubts")), manner(HABITS)] == [1.0, 0.5, 0.0, 0.0]
