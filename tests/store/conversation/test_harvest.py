from __future__ import annotations

from typing import Any

import pytest

from tunesmith.core.records import Message, Ranking
from tunesmith.store.conversation import conversations, harvest

from .scene import ASKED, Scene


def rankings(scene: Scene, **more: Any) -> harvest.Harvest[Ranking]:
    with scene.database.read() as connection:
        return harvest.rankings(connection, **more)


@pytest.mark.parametrize(
    ("choice", "texts"),
    [
        ("first", [["Right."], ["Left."]]),
        ("second", [["Left."], ["Right."]]),
        ("tie", [["Right.", "Left."]]),
        ("both_bad", [["Right.", "Left."]]),
    ],
)
def test_a_vote_is_a_ranking_of_what_was_shown(scene: Scene, choice: str, texts: list[list[str]]) -> None:
    """The pair was shown the other way round than it was made: first is what the person saw first."""
    talk = scene.begin()
    left, right = scene.pair(talk)
    scene.say(talk, "vote", right, left, choice=choice)
    [record] = rankings(scene).records
    [label] = record.rankings
    said = {one.id: one.text for one in record.completions}
    assert [[said[name] for name in group] for group in label.order] == texts
    assert {one.model for one in record.completions} == {"sft", "ppo"} and record.messages == ASKED
    assert label.labeler == "chat:you" and label.time is not None and label.time.startswith("2027-01-15T")
    assert label.flags == ({name: ("not_acceptable",) for name in said} if choice == "both_bad" else {})
    assert record.meta == {"source": "chat", "user": talk.id, "replies": sorted(said)}


def test_an_edit_beats_what_it_mends_and_is_a_demonstration(scene: Scene) -> None:
    talk = scene.begin()
    reply = scene.reply(talk, "Its late.")
    scene.say(talk, "edit", reply, text="A first try.")
    event = scene.say(talk, "edit", reply, text=" It's late. ")
    [record] = rankings(scene).records
    assert {one.id: (one.text, one.model) for one in record.completions} == {
        reply.id: ("Its late.", "sft"),
        f"edit-{event.id}": ("It's late.", "chat:you"),
    }
    assert [label.order for label in record.rankings] == [((f"edit-{event.id}",), (reply.id,))]
    assert record.meta["replies"] == [reply.id]
    with scene.database.read() as connection:
        [shown] = harvest.demonstrations(connection).records
    assert shown.messages == (*ASKED, Message("assistant", "It's late.")) and shown.meta["replies"] == [reply.id]


def test_an_edit_without_a_change_teaches_nothing(scene: Scene) -> None:
    talk = scene.begin()
    scene.say(talk, "edit", scene.reply(talk, "Same."), text="Same. ")
    found = rankings(scene)
    assert found.records == [] and found.left_out == {"the edit changed nothing": 1}


def test_a_regeneration_counts_only_if_asked_for_and_kept(scene: Scene) -> None:
    talk = scene.begin()
    old, new = scene.reply(talk, "Old."), scene.reply(talk, "New.")
    scene.say(talk, "regeneration", new, old)
    assert rankings(scene).records == []
    unkept = rankings(scene, regenerations=True)
    assert unkept.records == [] and unkept.left_out == {"the person did not go on from the newer reply": 1}
    asked = (*ASKED, Message("assistant", "New."), Message("user", "Thanks. When?"))
    scene.reply(talk, "Soon.", parent_id=new.id, messages=asked)
    [record] = rankings(scene, regenerations=True).records
    assert [label.order for label in record.rankings] == [((new.id,), (old.id,))]
    scene.reply(talk, "Hm.", parent_id=old.id)
    assert rankings(scene, regenerations=True).records == []


def test_a_reply_that_was_stopped_is_no_evidence(scene: Scene) -> None:
    talk = scene.begin()
    old, new = scene.reply(talk, "Ol", finish_reason="cancelled"), scene.reply(talk, "New.")
    scene.say(talk, "regeneration", new, old)
    scene.reply(talk, "Soon.", parent_id=new.id)
    found = rankings(scene, regenerations=True)
    assert found.records == [] and found.left_out == {"the older reply was not finished": 1}


def test_all_labels_of_a_prompt_are_one_record_with_flags_from_thumbs(scene: Scene) -> None:
    talk = scene.begin()
    left, right = scene.pair(talk)
    scene.say(talk, "vote", left, right, choice="first")
    scene.say(talk, "edit", left, text="Better.")
    scene.say(talk, "thumb", right, value="up")
    scene.say(talk, "thumb", right, value="down")
    scene.say(talk, "thumb", left, value="none")
    [record] = rankings(scene).records
    assert len(record.completions) == 3 and len(record.rankings) == 2
    assert record.rankings[0].flags == {right.id: ("thumb_down",)}


def test_a_thumb_is_a_verdict(scene: Scene) -> None:
    talk = scene.begin()
    liked, neither = scene.reply(talk, "Good."), scene.reply(talk, "Hm.")
    scene.say(talk, "thumb", liked, value="up")
    scene.say(talk, "thumb", neither, value="none")
    with scene.database.read() as connection:
        [row] = harvest.verdicts(connection).records
    assert row["label"] is True and row["messages"][-1] == {"role": "assistant", "content": "Good."}
    assert row["meta"]["replies"] == [liked.id]


def test_two_models_that_read_different_prompts_are_not_compared(scene: Scene) -> None:
    talk = scene.begin()
    left = scene.reply(talk, pair_id="p")
    right = scene.reply(talk, pair_id="p", messages=(Message("system", "Page."), *ASKED))
    scene.say(talk, "vote", left, right, choice="first")
    found = rankings(scene)
    assert found.records == [] and found.left_out == {"the two models did not read the same prompt": 1}


def test_nothing_leaves_without_consent_or_after_erasing(scene: Scene) -> None:
    talk, silent = scene.begin(consent=False), scene.begin(consent=False)
    left, right = scene.pair(talk)
    scene.say(talk, "vote", left, right, choice="first")
    scene.say(talk, "edit", left, text="Better.")
    scene.say(talk, "thumb", left, value="up")

    def counts() -> list[int]:
        with scene.database.read() as connection:
            made = (harvest.rankings(connection), harvest.demonstrations(connection), harvest.verdicts(connection))
            return [*(len(one.records) for one in made), harvest.without_consent(connection)]

    assert counts() == [0, 0, 0, 1]
    with scene.database.write() as connection:
        conversations.set_consent(connection, talk, True)
    assert counts() == [1, 1, 1, 0]
    with scene.database.write() as connection:
        conversations.set_consent(connection, talk, False)
    assert counts() == [0, 0, 0, 1]
    with scene.database.write() as connection:
        conversations.set_consent(connection, talk, True)
        conversations.erase(connection, talk, now=scene.now)
        conversations.erase(connection, silent, now=scene.now)
    assert counts() == [0, 0, 0, 0]
