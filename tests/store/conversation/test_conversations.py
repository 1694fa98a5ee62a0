from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.store.conversation import conversations, feedback, replies
from tunesmith.store.problems import NoSuchThing

from .scene import Scene


def test_the_newest_is_first_and_others_talks_do_not_exist(scene: Scene) -> None:
    first, second = scene.begin(), scene.begin()
    theirs = scene.begin("bob")
    with scene.database.write() as connection:
        conversations.touch(connection, first.id, now=scene.now + 1)
        conversations.rename(connection, second, "\x00" + "x" * 500)
    with scene.database.read() as connection:
        found = conversations.list_conversations(connection, "you", limit=10)
        assert [one.id for one in found] == [first.id, second.id]
        assert found[1].title == " " + "x" * (conversations.TITLE_LIMIT - 1)
        assert conversations.list_conversations(connection, "you", limit=1) == found[:1]
        assert conversations.get_conversation(connection, theirs.id, "bob") == theirs
        with pytest.raises(NoSuchThing):
            conversations.get_conversation(connection, theirs.id, "you")


def test_erasing_leaves_no_word_and_still_says_which_model_replied(scene: Scene, tmp_path: Path) -> None:
    talk, other = scene.begin(), scene.begin()
    reply = scene.reply(talk, "A most peculiar answer.", origin={"run": "runs/sft"}, receipt={"page": "peculiar"})
    kept = scene.reply(other, "Another answer.")
    scene.say(talk, "edit", reply, text="A peculiar edit.")
    scene.say(other, "thumb", kept, value="up")
    with scene.database.write() as connection:
        conversations.erase(connection, talk, now=scene.now)
    with scene.database.read() as connection:
        with pytest.raises(NoSuchThing):
            conversations.get_conversation(connection, talk.id, "you")
        assert conversations.list_conversations(connection, "you", limit=10) == [other]
        left = replies.get_reply(connection, reply.id)
        assert (left.messages, left.completion, left.receipt) == ((), "", None)
        assert (left.model, left.origin, left.time) == ("sft", {"run": "runs/sft"}, reply.time)
        assert replies.erased_at(connection, left) == scene.now
        assert feedback.feedback_of(connection, talk.id) == []
        assert replies.get_reply(connection, kept.id) == kept and len(feedback.feedback_of(connection, other.id)) == 1
    if scene.database.is_sqlite:
        scene.database.close()
        assert not [path for path in tmp_path.iterdir() if b"eculiar" in path.read_bytes()]
