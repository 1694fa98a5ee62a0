from __future__ import annotations

import pytest

from tunesmith.core.records import Message
from tunesmith.store.conversation import replies
from tunesmith.store.problems import NoSuchThing, NotNow

from .scene import Scene


def test_a_reply_comes_back_as_it_was_served(scene: Scene) -> None:
    talk = scene.begin()
    first = scene.reply(
        talk,
        "naïve \x00 \u202e <b>",
        sampling={"seed": 3},
        timings={"seconds": 0.5},
        receipt={"cut": []},
        asked="\x00?",
    )
    asked = (*first.messages, Message("assistant", first.completion), Message("user", "And now?"))
    second = scene.reply(talk, "Now.", parent_id=first.id, messages=asked, finish_reason="length")
    with scene.database.read() as connection:
        assert replies.replies_of(connection, talk.id) == [first, second]
        assert replies.get_reply(connection, second.id) == second
        with pytest.raises(NoSuchThing):
            replies.get_reply(connection, "chatcmpl-none")


def test_without_a_conversation_no_text_is_kept(scene: Scene) -> None:
    served = scene.reply(None, "Secret.", origin={"run": "runs/sft"}, receipt={"page": "secret"})
    with scene.database.read() as connection:
        found = replies.get_reply(connection, served.id)
    assert (found.messages, found.completion, found.receipt) == ((), "", None)
    assert found.origin == {"run": "runs/sft"} and found.model == "sft"


def test_a_parent_is_in_the_same_conversation(scene: Scene) -> None:
    elsewhere = scene.reply(scene.begin())
    for talk in (scene.begin(), None):
        with pytest.raises(NotNow):
            scene.reply(talk, parent_id=elsewhere.id)
    with pytest.raises(NotNow):
        scene.reply(scene.begin(), parent_id="chatcmpl-none")
