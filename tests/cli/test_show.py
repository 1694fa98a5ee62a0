from __future__ import annotations

from pathlib import Path

from tunesmith.store.conversation.replies import Reply, add_reply
from tunesmith.store.database import open_database

from ..train.test_lineage import whole_loop
from .shell import Shell
from .stored_chats import chatted


def test_from_a_reply_to_the_labels_and_where_it_breaks(shell: Shell, tmp_path: Path) -> None:
    db = tmp_path / "x.db"
    reply = chatted(db, folder=str(whole_loop(tmp_path / "runs")))[0]
    whole = shell("show", reply, "--db", db)
    assert whole.code == 0, whole.err
    for words in ("Question 0?", "seed 3", "reward_model: model", "labelers: chat:local 1", "the chain is whole"):
        assert words in whole.out, whole.out
    assert shell("show", reply, "--db", db, "--json").json["chain"]["parents"][0]["stage"] == "ppo"
    (tmp_path / "runs" / "reward").rename(tmp_path / "elsewhere")
    broken = shell("show", reply, "--db", db)
    assert broken.code == 4 and "! there is no such folder" in broken.out and "breaks in 1 place" in broken.out
    assert len(shell("show", reply, "--db", db, "--json").json["gaps"]) == 1


def test_an_unknown_reply(shell: Shell, tmp_path: Path) -> None:
    assert shell("show", "chatcmpl-0a", "--db", tmp_path / "x.db").code == 2
    chatted(tmp_path / "x.db")
    ran = shell("show", "chatcmpl-none", "--db", tmp_path / "x.db")
    assert ran.code == 1 and "no such reply" in ran.err


def test_a_reply_of_an_ab_test_names_its_arm(shell: Shell, tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "x.db"))
    origin = {"folder": "desk", "experiment": "helper", "arm": "new"}
    with database.write() as connection:
        add_reply(connection, Reply(id="chatcmpl-1", messages=(), completion="", model="sft", time=1.0, origin=origin))
    database.close()
    assert "arm new of the A/B test helper" in shell("show", "chatcmpl-1", "--db", tmp_path / "x.db").out
    assert shell("show", "chatcmpl-1", "--db", tmp_path / "x.db", "--json").json["reply"]["arm"] == "new"
