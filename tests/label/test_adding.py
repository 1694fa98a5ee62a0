from __future__ import annotations

from tunesmith.core.records import Comparison, Completion, Document, Prompt, Ranking, RankingLabel
from tunesmith.label.adding import add_records
from tunesmith.store.annotation.items import get_item

from .scene import ASKED, Scene, demonstration, prompt, ranking


def test_each_kind_takes_what_suits_it_and_counts_the_rest(scene: Scene) -> None:
    records = [ranking(0), ranking(1, k=2), ranking(2, k=10), prompt(3), demonstration(4), Document(text="x")]
    added = {}
    for kind in ("rank", "pair", "write", "edit"):
        task = scene.task(kind=kind)  # type: ignore[arg-type]
        with scene.database.write() as connection:
            found = add_records(connection, task, records)
        added[kind] = (found.new, sum(found.refused.values()))
    assert added == {"rank": (2, 4), "pair": (1, 5), "write": (5, 1), "edit": (1, 5)}


def test_nobody_s_labels_come_along_and_the_same_record_is_known(scene: Scene) -> None:
    labeled = Ranking(
        messages=ASKED,
        completions=ranking().completions,
        rankings=(RankingLabel(labeler="z", order=(("m0",), ("m1",), ("m2",))),),
    )
    task = scene.task()
    with scene.database.write() as connection:
        assert add_records(connection, task, [labeled])[:2] == (1, 0)
        assert add_records(connection, task, [labeled])[:2] == (0, 1)
        record = get_item(connection, 1).record
    assert isinstance(record, Ranking) and record.rankings == ()


def test_gold_items_need_an_answer(scene: Scene) -> None:
    task = scene.task()
    comparison = Comparison(messages=ASKED, chosen="yes", rejected="no")
    with scene.database.write() as connection:
        found = add_records(connection, task, [comparison, ranking()], gold=True)
        assert get_item(connection, 1).gold == {"order": [["a"], ["b"]]}
    assert found.new == 1 and sum(found.refused.values()) == 1


def test_a_completion_that_names_its_maker_is_counted(scene: Scene) -> None:
    told = Ranking(
        messages=ASKED,
        completions=(Completion(id="a", text="As an AI language model I cannot."), Completion(id="b", text="Yes.")),
        rankings=(),
    )
    task = scene.task()
    with scene.database.write() as connection:
        assert add_records(connection, task, [told, ranking()]).leaks == 1


def test_a_prompt_of_a_demonstration_is_what_is_written_for(scene: Scene) -> None:
    task = scene.task(kind="write")
    with scene.database.write() as connection:
        add_records(connection, task, [demonstration()])
        record = get_item(connection, 1).record
    assert isinstance(record, Prompt) and [m.role for m in record.messages] == ["user"]
