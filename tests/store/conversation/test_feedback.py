from __future__ import annotations

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from tunesmith.core.errors import DataError
from tunesmith.store.conversation.feedback import feedback_of, newest
from tunesmith.store.conversation.tables import feedback_events
from tunesmith.store.problems import NoSuchThing, NotNow

from .scene import Scene


def test_the_same_key_is_stored_once_and_means_one_thing(scene: Scene) -> None:
    talk = scene.begin()
    reply = scene.reply(talk)
    said = scene.say(talk, "thumb", reply, key="k", value="up")
    assert scene.say(talk, "thumb", reply, key="k", value="up") == said
    with pytest.raises(NotNow, match="key was used"):
        scene.say(talk, "thumb", reply, key="k", value="down")
    with scene.database.read() as connection:
        assert feedback_of(connection, talk.id) == [said]


def test_the_newest_thumb_counts(scene: Scene) -> None:
    talk = scene.begin()
    reply = scene.reply(talk)
    for value in ("up", "down", "none"):
        scene.say(talk, "thumb", reply, value=value)
    with scene.database.read() as connection:
        assert newest(feedback_of(connection, talk.id), "thumb")[reply.id].payload == {"value": "none"}


def test_a_pair_is_voted_on_once(scene: Scene) -> None:
    talk = scene.begin()
    one, two = scene.pair(talk)
    scene.say(talk, "vote", two, one, choice="first")
    with pytest.raises(NotNow, match="has a vote"):
        scene.say(talk, "vote", one, two, choice="first")
    alone = scene.reply(talk)
    with pytest.raises(NotNow, match="side by side"):
        scene.say(talk, "vote", alone, scene.reply(talk), choice="tie")
    with pytest.raises(NotNow, match="same place"):
        scene.say(talk, "regeneration", scene.reply(talk, parent_id=one.id), one)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("thumb", {"value": "sideways"}),
        ("thumb", {}),
        ("thumb", {"value": "up", "more": 1}),
        ("vote", {"choice": "third"}),
        ("edit", {"text": "  "}),
        ("edit", {"text": 3}),
        ("regeneration", {"why": "x"}),
    ],
)
def test_what_does_not_fit_is_refused(scene: Scene, kind: str, payload: dict[str, object]) -> None:
    talk = scene.begin()
    one, two = scene.pair(talk)
    with pytest.raises(DataError):
        scene.say(talk, kind, one, two if kind in ("vote", "regeneration") else None, **payload)
    with pytest.raises(DataError, match="names"):
        scene.say(talk, "vote", one, choice="tie")
    with pytest.raises(DataError, match="names"):
        scene.say(talk, "thumb", one, two, value="up")


def test_replies_of_others_cannot_be_judged(scene: Scene) -> None:
    theirs = scene.reply(scene.begin("bob"))
    with pytest.raises(NoSuchThing):
        scene.say(scene.begin(), "thumb", theirs, value="up")
    with pytest.raises(NoSuchThing):
        scene.say(scene.begin(), "thumb", scene.reply(None), value="up")


@pytest.mark.parametrize("change", [update(feedback_events).values(key="x"), delete(feedback_events)])
def test_what_was_said_stays_said(scene: Scene, change: object) -> None:
    talk = scene.begin()
    scene.say(talk, "thumb", scene.reply(talk), value="up")
    with pytest.raises(DBAPIError, match="append-only"), scene.database.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    with scene.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(feedback_events)).scalar_one() == 1
